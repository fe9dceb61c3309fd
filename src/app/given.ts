// Files from elsewhere than the Data view: dropped on the page, or what `m3rec app` was started with. A model is opened, the rest
// is for the Data view.
import { adoptModel, problemOf, remote } from './client.ts';
import { goTo } from './router.ts';
import { incoming, toast } from './state.ts';
import type { InputFile } from './worker/api.ts';

/** The hash of the address that `m3rec app DIR|FILE` opens. */
export const GIVEN = '#/given';

/** @throws where the server gives nothing, or not what it said. */
export async function openGiven(): Promise<void> {
  const get = async (path: string) => {
    const response = await fetch(new URL(path, document.baseURI));
    if (!response.ok) throw new Error(`${path}: status ${response.status}`);
    return response;
  };
  const given = (await (await get('given.json')).json()) as { path: string }[];
  const files = await Promise.all(
    given.map(async ({ path }, i) => ({ path, file: new File([await (await get(`given/${i}`)).blob()], path) })),
  );
  await take(files);
}

/** Takes what was dropped; what it cannot take is said. */
export async function takeDropped(files: readonly InputFile[]): Promise<void> {
  try {
    if (files.length > 0) await take(files);
  } catch (error) {
    const text = problemOf(error);
    if (text !== undefined) toast.value = { text: `${files[0].path}: ${text}` };
  }
}

/** @throws what opening a model throws */
async function take(files: readonly InputFile[]): Promise<void> {
  if (files.length === 1 && files[0].path.endsWith('.m3rec')) {
    await adoptModel(await remote().open({ file: files[0].file }));
    goTo('recommend/basket');
    return;
  }
  incoming.value = files;
  goTo('data');
}
