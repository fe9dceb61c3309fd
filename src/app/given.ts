// What `m3rec app` was started with: a model to open, or files for the Data view.
import { adoptModel, remote } from './client.ts';
import { goTo } from './router.ts';
import { incoming } from './state.ts';

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
  if (files.length === 1 && files[0].path.endsWith('.m3rec')) {
    const facts = await remote().open({ file: files[0].file });
    await adoptModel(facts);
    goTo('recommend/basket');
    return;
  }
  incoming.value = files;
  goTo('data');
}
