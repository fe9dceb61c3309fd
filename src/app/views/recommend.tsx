// Recommend: a basket or a known customer, with and without the other markets, and in two markets side by side.
import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { ask, newest, remote } from '../client.ts';
import { isClear, marketName, number, points, signed, texts } from '../format.ts';
import { AnswerList } from '../parts/answers.tsx';
import { BasketBar, type Filters, useFilters } from '../parts/basket.tsx';
import { GainCurve } from '../parts/gain-curve.tsx';
import { MarketLabel, MarketSelect } from '../parts/market.tsx';
import { Segmented, Tabs } from '../parts/tabs.tsx';
import { goTo, route } from '../router.ts';
import { basket, customer, data, isReady, isSample, market, model, OPENING, titleOf, trained } from '../state.ts';
import type { Answer, Opening } from '../worker/api.ts';

const K = 10;
type Tab = 'others' | 'basket' | 'markets';

export function Recommend() {
  const t = texts.value.recommend;
  const tab = (route.value.rest[0] ?? (isSample.value ? 'others' : 'basket')) as Tab;
  const markets = model.value?.markets.map(({ name }) => name) ?? [market.value];
  return (
    <div class="opening">
      <h1 tabIndex={-1}>{tab === 'others' ? texts.value.start.title : t.title}</h1>
      {tab === 'others' && isSample.value && (
        <p class="lead">{texts.value.start.lead(marketName(market.value), number(purchasesOf(market.value)))}</p>
      )}
      {isSample.value && (
        <p class="buttons first">
          <a class="button" href="#/data">
            {texts.value.start.own}
          </a>
          <a class="button plain" href="#/train">
            {texts.value.start.full}
          </a>
        </p>
      )}
      <BasketBar markets={markets} />
      <Tabs
        label={t.title}
        tabs={t.tabs}
        value={Object.hasOwn(t.tabs, tab) ? tab : 'others'}
        onChange={(to) => goTo(`recommend/${to}`)}
      >
        {!isReady.value && tab !== 'others' ? (
          <p role="status">{texts.value.starting}</p>
        ) : tab === 'markets' ? (
          <TwoMarkets markets={markets} />
        ) : tab === 'basket' ? (
          <OneMarket />
        ) : (
          <WithAndWithout />
        )}
      </Tabs>
    </div>
  );
}

/** Whether what is asked for is what the build has answered. */
const isOpening = () =>
  isSample.value &&
  market.value === OPENING.market &&
  customer.value === undefined &&
  basket.value.join() === OPENING.basket.join();

const purchasesOf = (name: string) =>
  data.value?.markets.find((each) => each.name === name)?.purchases ?? OPENING.purchases;

function query(name: string, filters: Filters) {
  const user = name === market.value ? customer.value : undefined;
  return { market: name, k: K, ...(user === undefined ? { items: [...basket.value] } : { user }), ...filters };
}

function WithAndWithout() {
  const t = texts.value.recommend;
  const answers = useSignal<Opening['answers'] | undefined>(isOpening() ? OPENING.answers : undefined);
  const ask = useMemo(newest, []);
  const shown = useSignal<'alone' | 'others'>('others');
  const { filters, bar } = useFilters();
  useSignalEffect(() => {
    const asked = query(market.value, filters.value);
    void [model.value, data.value];
    if (basket.value.length === 0 && customer.value === undefined) return;
    // what the build answered has counts, which the worker has once it has the sample's rows
    if (!isReady.value || (data.value === undefined && isOpening() && answers.peek() === OPENING.answers)) return;
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
        <strong>{t.newOf(fresh, others.items.length)}</strong>
        <Measured />
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
        <AnswerList
          heading={t.alone(name)}
          answer={alone}
          other={rankOthers}
          otherName={t.withOthers(name)}
          class="alone"
        />
        <AnswerList
          heading={t.withOthers(name)}
          answer={others}
          other={rankAlone}
          otherName={t.alone(name)}
          class="others"
          marksNew
        />
      </div>
      <GainCurve />
    </>
  );
}

/** What was measured of this market: by the training, or the sample's own figures. */
function Measured() {
  const t = texts.value.recommend;
  const versus = trained.value?.versusAlone;
  const figures =
    isSample.value && market.value === OPENING.market
      ? OPENING.gain
      : versus?.market === market.value
        ? versus
        : undefined;
  if (!figures) return null;
  const gain = 100 * (figures.after - figures.before);
  const clear = isClear(gain, 100 * figures.error);
  return (
    <span>
      {(clear ? t.measured : t.measuredUnclear)(
        points(figures.before),
        points(figures.after),
        signed(gain),
        points(figures.error),
      )}{' '}
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
    void [model.value, data.value];
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
      <AnswerList heading={marketName(market.value)} answer={answer.value} />
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
    void [model.value, data.value];
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
          <AnswerList
            key={i === 0 ? market.value : second.value}
            heading={<MarketLabel market={i === 0 ? market.value : second.value} />}
            answer={answer}
          />
        ))}
      </div>
    </>
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
