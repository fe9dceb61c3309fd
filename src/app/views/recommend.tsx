// Recommend: a basket or a known customer, with and without the other markets, and in two markets side by side.
import { useSignal, useSignalEffect } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { ask, newest, remote } from '../client.ts';
import { isClear, marketName, number, points, signed, texts } from '../format.ts';
import { Icon } from '../parts/icons.tsx';
import { ItemSearch } from '../parts/item-search.tsx';
import { MarketLabel, MarketSelect } from '../parts/market.tsx';
import { Segmented, Tabs } from '../parts/tabs.tsx';
import { goTo, route } from '../router.ts';
import { basket, categories, customer, data, isReady, isSample, market, model, titleOf, trained } from '../state.ts';
import type { Answer, AnswerItem } from '../worker/api.ts';

const K = 10;
type Tab = 'others' | 'basket' | 'markets';

export function Recommend() {
  const t = texts.value.recommend;
  const tab = (route.value.rest[0] ?? (isSample.value ? 'others' : 'basket')) as Tab;
  const markets = model.value?.markets.map(({ name }) => name) ?? [];
  return (
    <>
      <h1 tabIndex={-1}>{tab === 'others' ? texts.value.start.title : t.title}</h1>
      {tab === 'others' && isSample.value && (
        <p class="lead">{texts.value.start.lead(marketName(market.value), number(purchasesOf(market.value)))}</p>
      )}
      <BasketBar markets={markets} />
      <Tabs
        label={t.title}
        tabs={t.tabs}
        value={Object.hasOwn(t.tabs, tab) ? tab : 'others'}
        onChange={(to) => goTo(`recommend/${to}`)}
      >
        {!isReady.value ? (
          <p role="status">{texts.value.starting}</p>
        ) : tab === 'markets' ? (
          <TwoMarkets markets={markets} />
        ) : tab === 'basket' ? (
          <OneMarket />
        ) : (
          <WithAndWithout />
        )}
      </Tabs>
      {isSample.value && (
        <p class="buttons">
          <a class="button" href="#/data">
            {texts.value.start.own}
          </a>
          <a class="button plain" href="#/train">
            {texts.value.start.full}
          </a>
        </p>
      )}
    </>
  );
}

const purchasesOf = (name: string) => data.value?.markets.find((each) => each.name === name)?.purchases ?? 1062;

/** Whose history it is: a market, items, or a known customer. */
function BasketBar({ markets }: { markets: readonly string[] }) {
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
    </section>
  );
}

interface Filters {
  category?: string;
  without?: string;
}

function useFilters() {
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

function query(name: string, filters: Filters) {
  const user = name === market.value ? customer.value : undefined;
  return { market: name, k: K, ...(user === undefined ? { items: [...basket.value] } : { user }), ...filters };
}

function WithAndWithout() {
  const t = texts.value.recommend;
  const answers = useSignal<{ alone: Answer; others: Answer } | undefined>(undefined);
  const ask = useMemo(newest, []);
  const shown = useSignal<'alone' | 'others'>('others');
  const { filters, bar } = useFilters();
  useSignalEffect(() => {
    const asked = query(market.value, filters.value);
    void model.value;
    if (basket.value.length === 0 && customer.value === undefined) return;
    ask(
      () => remote().pair(asked),
      (value) => {
        answers.value = value;
      },
    );
  });
  if (basket.value.length === 0 && customer.value === undefined) return <Empty />;
  const { alone, others } = answers.value ?? {};
  if (!alone || !others) return <p role="status">{texts.value.starting}</p>;
  const name = marketName(market.value);
  const rankAlone = new Map(alone.items.map(({ item }, i) => [item, i + 1]));
  const rankOthers = new Map(others.items.map(({ item }, i) => [item, i + 1]));
  const fresh = others.items.filter(({ item }) => !rankAlone.has(item)).length;
  return (
    <>
      <p class="figures">
        <Measured />
        <strong>{t.newOf(fresh, others.items.length)}</strong>
      </p>
      {bar}
      <div class="only-narrow">
        <Segmented
          label={t.tabs.others}
          choices={{ alone: t.alone(name), others: t.withOthers(name) }}
          value={shown.value}
          onChange={(to) => {
            shown.value = to;
          }}
        />
      </div>
      <div class={`pair show-${shown.value}`}>
        <List heading={t.alone(name)} answer={alone} other={rankOthers} otherName={t.withOthers(name)} class="alone" />
        <List
          heading={t.withOthers(name)}
          answer={others}
          other={rankAlone}
          otherName={t.alone(name)}
          class="others"
          marksNew
        />
      </div>
    </>
  );
}

/** What was measured of this market: by the training, or the sample's own figures. */
function Measured() {
  const t = texts.value.recommend;
  const of = (series: string) => trained.value?.measured[series]?.find((each) => each.market === market.value);
  const [before, after] = [of('alone') ?? of('popularity'), of('model')];
  const sample = isSample.value && market.value === 'in' ? data.value?.sampleGain : undefined;
  if (!sample && (!before || !after)) return null;
  const figures = sample ?? {
    before: before!.hr,
    after: after!.hr,
    error: Math.hypot(before!.errors.hr, after!.errors.hr),
  };
  const gain = 100 * (figures.after - figures.before);
  const clear = isClear(gain, 100 * figures.error);
  return (
    <span>
      {clear
        ? t.measured(points(figures.before), points(figures.after), signed(gain), points(figures.error))
        : t.unclear}{' '}
      <details class="how">
        <summary>{t.how}</summary>
        <p>{t.howText}</p>
      </details>
    </span>
  );
}

function OneMarket() {
  const answer = useSignal<Answer | undefined>(undefined);
  const ask = useMemo(newest, []);
  const { filters, bar } = useFilters();
  useSignalEffect(() => {
    const asked = query(market.value, filters.value);
    void model.value;
    if (basket.value.length === 0 && customer.value === undefined) return;
    ask(
      () => remote().recommend(asked),
      (value) => {
        answer.value = value;
      },
    );
  });
  if (basket.value.length === 0 && customer.value === undefined) return <Empty />;
  if (!answer.value) return null;
  return (
    <>
      {bar}
      <List heading={marketName(market.value)} answer={answer.value} />
    </>
  );
}

function TwoMarkets({ markets }: { markets: readonly string[] }) {
  const t = texts.value.recommend;
  const second = useSignal(markets.find((name) => name !== market.value) ?? market.value);
  const answers = useSignal<readonly Answer[]>([]);
  const ask = useMemo(newest, []);
  useSignalEffect(() => {
    const queries = [market.value, second.value].map((name) => ({ market: name, k: K, items: [...basket.value] }));
    void model.value;
    if (basket.value.length === 0) return;
    ask(
      () => Promise.all(queries.map((each) => remote().recommend(each))),
      (value) => {
        answers.value = value;
      },
    );
  });
  const select = (
    <MarketSelect
      label={t.second}
      markets={markets}
      value={second.value}
      onChange={(to) => {
        second.value = to;
      }}
    />
  );
  if (basket.value.length === 0) return <Empty />;
  return (
    <>
      <p>{select}</p>
      <div class="pair both">
        {answers.value.map((answer, i) => (
          <List
            key={i === 0 ? market.value : second.value}
            heading={<MarketLabel market={i === 0 ? market.value : second.value} />}
            answer={answer}
          />
        ))}
      </div>
    </>
  );
}

function List(props: {
  heading: ComponentChildren;
  answer: Answer;
  /** Ranks in the list beside it. */
  other?: ReadonlyMap<string, number>;
  otherName?: string;
  marksNew?: boolean;
  class?: string;
}) {
  const t = texts.value.recommend;
  const { answer, other, otherName, marksNew } = props;
  const name = marketName(market.value);
  return (
    <section class={`card answers ${props.class ?? ''}`}>
      <h2>{props.heading}</h2>
      {answer.fallback && <p class="note">{t.fallback(name)}</p>}
      {answer.unknown.length > 0 && <p class="note">{t.unknown(answer.unknown.map(titleOf).join(', '), name)}</p>}
      {answer.items.length === 0 && <p class="note">{t.nothing}</p>}
      <ol>
        {answer.items.map((item) => {
          const rank = other?.get(item.item);
          const isNew = marksNew && rank === undefined;
          return (
            <li key={item.item} class={isNew ? 'is-new' : ''}>
              <article>
                <p class="title">
                  {titleOf(item.item)} {isNew && <span class="tag">{t.newMark}</span>}
                  {rank !== undefined && otherName && <span class="sr"> ({t.also(rank, otherName)})</span>}
                </p>
                <ReasonText item={item} />
              </article>
              <button
                type="button"
                class="quiet add"
                aria-label={`+ ${titleOf(item.item)}`}
                onClick={() => {
                  customer.value = undefined;
                  basket.value = [...new Set([...answer.history, item.item])];
                }}
              >
                +
              </button>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function ReasonText({ item: { reason } }: { item: AnswerItem }) {
  const t = texts.value.recommend;
  if (!reason) return null;
  const title = titleOf(reason.item);
  return (
    <p class="reason">
      {reason.here === undefined ? t.reasonOnly(title) : t.reason(title, reason.here, reason.elsewhere)}
    </p>
  );
}

function Empty() {
  const t = texts.value.recommend;
  const popular = useSignal<readonly string[]>([]);
  const now = market.value;
  useEffect(() => {
    ask(remote().popular({ market: now, k: 12 })).then((items) => {
      popular.value = items ?? [];
    });
  }, [now, model.value]);
  return (
    <section class="empty">
      <p>{t.empty}</p>
      <h2>{t.popular}</h2>
      <p class="buttons">
        {popular.value.map((item) => (
          <button
            key={item}
            type="button"
            class="pill"
            onClick={() => {
              basket.value = [...basket.value, item];
            }}
          >
            {titleOf(item)}
          </button>
        ))}
      </p>
    </section>
  );
}
