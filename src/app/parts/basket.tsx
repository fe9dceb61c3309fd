// Whose history it is that is answered, and what may be in the answers.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ask, remote } from '../client.ts';
import { texts } from '../format.ts';
import { linkOfView } from '../link.ts';
import { basket, categories, customer, isReady, market, model, titleOf, toast } from '../state.ts';
import { Icon } from './icons.tsx';
import { ItemSearch } from './item-search.tsx';
import { MarketSelect } from './market.tsx';

/** Whose history it is: a market, items, or a known customer. */
export function BasketBar({ markets }: { markets: readonly string[] }) {
  const t = texts.value.recommend;
  const allowed = useSignal<ReadonlySet<string> | undefined>(undefined);
  const customers = useSignal<readonly string[]>([]);
  const now = market.value;
  const facts = model.value;
  useEffect(() => {
    if (!isReady.value) return;
    ask(remote().itemsOf(now)).then((items) => {
      allowed.value = items && new Set(items);
    });
    ask(remote().users({ market: now, begin: '', k: 200 })).then((users) => {
      customers.value = users ?? [];
    });
  }, [now, facts, isReady.value]);
  const change = (items: readonly string[]) => {
    customer.value = undefined;
    basket.value = items;
  };
  const copy = async () => {
    await navigator.clipboard.writeText(linkOfView());
    toast.value = { text: texts.value.copied };
  };
  return (
    <section class="basket" aria-label={t.basket}>
      <MarketSelect
        label={t.market}
        markets={markets}
        value={now}
        onChange={(to) => {
          market.value = to;
          customer.value = undefined;
        }}
      />
      {customers.value.length > 0 && (
        <label class="field inline">
          <span>{t.customer}</span>
          <select
            value={customer.value ?? ''}
            onChange={(event) => {
              customer.value = event.currentTarget.value || undefined;
            }}
          >
            <option value="">{t.noCustomer}</option>
            {customers.value.map((user) => (
              <option key={user} value={user}>
                {user}
              </option>
            ))}
          </select>
        </label>
      )}
      <ul class="pills">
        {basket.value.map((item) => (
          <li key={item}>
            <button
              type="button"
              class="pill"
              aria-label={t.remove(titleOf(item))}
              onClick={() => change(basket.value.filter((each) => each !== item))}
            >
              {titleOf(item)} <Icon name="remove" />
            </button>
          </li>
        ))}
        <li class="grow">
          <ItemSearch
            label={t.addItem}
            allowed={allowed.value}
            onPick={(item) => change([...new Set([...basket.value, item])])}
            onBack={() => change(basket.value.slice(0, -1))}
          />
        </li>
      </ul>
      {(basket.value.length > 0 || customer.value !== undefined) && (
        <button type="button" class="quiet" onClick={copy}>
          {t.copyLink}
        </button>
      )}
    </section>
  );
}

export interface Filters {
  category?: string;
  without?: string;
}

export function useFilters() {
  const filters = useSignal<Filters>({});
  const t = texts.value.recommend;
  const bar =
    categories.value.length === 0 ? null : (
      <details class="filters">
        <summary>{t.filters}</summary>
        <div class="row">
          <label class="field inline">
            <span>{t.category}</span>
            <select
              value={filters.value.category ?? ''}
              onChange={(event) => {
                filters.value = { ...filters.value, category: event.currentTarget.value || undefined };
              }}
            >
              <option value="">{t.anyCategory}</option>
              {categories.value.map((category) => (
                <option key={category} value={category}>
                  {category}
                </option>
              ))}
            </select>
          </label>
          <label class="field inline">
            <span>{t.without}</span>
            <input
              type="text"
              value={filters.value.without ?? ''}
              onInput={(event) => {
                filters.value = { ...filters.value, without: event.currentTarget.value || undefined };
              }}
            />
          </label>
          <button
            type="button"
            class="quiet"
            onClick={() => {
              filters.value = {};
            }}
          >
            {t.clear}
          </button>
        </div>
      </details>
    );
  return { filters, bar };
}
