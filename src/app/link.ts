// What an address may say of the Recommend view: the market, and a basket or a known customer. Ids may be private, so they get
// into an address only when somebody copies one.
import { goTo, type Route, route } from './router.ts';
import { basket, customer, market, model } from './state.ts';

/** The address of what is on the screen. */
export function linkOfView(): string {
  const query = new URLSearchParams({ m: market.value });
  if (customer.value !== undefined) query.set('u', customer.value);
  else for (const item of basket.value) query.append('n', item);
  const tab = route.value.rest[0] ?? 'others';
  return new URL(`#/recommend/${tab}?${query}`, location.href).href;
}

/** Takes what the address says, and takes it out of the address. @returns whether it is taken, or there was nothing. */
export function adoptLink({ view, rest, query }: Route): boolean {
  const name = query.get('m');
  if (view !== 'recommend' || name === null) return true;
  if (!model.value?.markets.some((each) => each.name === name)) return false;
  market.value = name;
  customer.value = query.get('u') ?? undefined;
  if (customer.value === undefined) basket.value = [...new Set(query.getAll('n'))];
  goTo(['recommend', ...rest].join('/'));
  return true;
}
