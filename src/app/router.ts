// The view is in the hash, so that any static host and any folder works.
import { signal } from '@preact/signals';

export const VIEWS = ['data', 'train', 'recommend', 'look', 'models'] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
  /** Undefined for a hash that means nothing. */
  view: View | undefined;
  /** What follows the view: a tab, a name. */
  rest: string[];
  query: URLSearchParams;
}

export function parseHash(hash: string): Route {
  const [path, query = ''] = hash.replace(/^#?\/?/, '').split('?');
  const [view = '', ...rest] = path.split('/').map(decode);
  const known = VIEWS.find((each) => each === view);
  return { view: path === '' ? 'recommend' : known, rest, query: new URLSearchParams(query) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const route = signal(parseHash(''));

export function goTo(path: string): void {
  location.hash = `#/${path}`;
}

export function startRouter(onChange: (route: Route) => void): void {
  const follow = () => {
    route.value = parseHash(location.hash);
    onChange(route.value);
  };
  addEventListener('hashchange', follow);
  follow();
}
