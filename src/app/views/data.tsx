// Data: files in, what was recognised, what the markets share.
import { ask, keepData, remote } from '../client.ts';
import { marketName, number, percent, remembers, setRemembers, texts } from '../format.ts';
import { Histogram, OverlapMatrix, SpreadChart } from '../parts/charts.tsx';
import { Drop } from '../parts/drop.tsx';
import { MarketLabel } from '../parts/market.tsx';
import { goTo } from '../router.ts';
import { data, incoming, placeOf, SHOWS_PICTURES } from '../state.ts';
import type { DataFacts, InputFile } from '../worker/api.ts';
import { Check } from './check.tsx';

const BINS = ['1', '2', '3', '4', '5', '6–10', '11–20', '21–50', '> 50'];

export function Data() {
  const t = texts.value.data;
  const files = incoming;
  const take = (list: readonly InputFile[]) => {
    if (list.length > 0) files.value = list;
  };
  return (
    <>
      <h1 tabIndex={-1}>{t.title}</h1>
      {files.value.length > 0 ? (
        <Check
          files={files.value}
          onDone={() => {
            files.value = [];
          }}
        />
      ) : (
        <>
          {data.value && <Facts facts={data.value} />}
          <Drop onFiles={take} compact={data.value !== undefined} />
        </>
      )}
    </>
  );
}

/** The paper's Table 1, warnings, overlap, long tails and history lengths. */
function Facts({ facts }: { facts: DataFacts }) {
  const t = texts.value.data;
  const most = Math.max(...facts.markets.map(({ purchases }) => purchases));
  const lengths = BINS.map((_, bin) => facts.markets.reduce((sum, { lengths }) => sum + lengths[bin], 0));
  return (
    <>
      <p class="lead">
        {facts.isSample ? `${texts.value.sampleOf}. ` : ''}
        {t.summary(facts.markets.length, number(facts.purchases))}
      </p>
      {facts.warnings.length > 0 && (
        <details class="warnings">
          <summary>{t.warnings(facts.warnings.length)}</summary>
          <ul>
            {facts.warnings.map(({ file, message }) => (
              <li key={`${file} ${message}`}>{message}</li>
            ))}
          </ul>
        </details>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="scroll card" tabIndex={0} aria-label={t.title}>
        <table>
          <thead>
            <tr>
              {Object.entries(t.columns).map(([column, name]) => (
                <th key={column} scope="col" class={column === 'market' ? '' : 'number'}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {facts.markets.map((each) => (
              <tr key={each.name}>
                <th scope="row">
                  <MarketLabel market={each.name} />
                </th>
                <td class="number">{number(each.users)}</td>
                <td class="number">{number(each.items)}</td>
                <td class="number">
                  <span class="measure">
                    <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                      <rect
                        class={`fill m${placeOf(each.name) + 1}`}
                        width={(100 * each.purchases) / most}
                        height={8}
                      />
                    </svg>
                    {number(each.purchases)}
                  </span>
                </td>
                <td class="number">{number(each.purchases / Math.max(1, each.users), 1)}</td>
                <td class="number">{percent(each.sharedShare)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {!facts.isSample && (
        <label class="inline">
          <input
            type="checkbox"
            checked={remembers.value}
            onChange={(event) => {
              setRemembers(event.currentTarget.checked);
              void (remembers.value ? keepData() : ask(remote().forget()));
            }}
          />{' '}
          {t.remember}
        </label>
      )}
      {facts.pictures > 0 && (
        <p>
          {t.pictures(facts.pictures)}{' '}
          <a href={SHOWS_PICTURES ? './#/data' : 'pictures.html#/data'}>
            {SHOWS_PICTURES ? t.hidePictures : t.showPictures}
          </a>
        </p>
      )}
      <p class="buttons">
        <button type="button" onClick={() => goTo('train')}>
          {t.trainOn}
        </button>
      </p>
      <div class="grid">
        {facts.markets.length > 1 && <OverlapMatrix markets={facts.markets} shared={facts.shared} of="items" />}
        {facts.markets.length > 1 && facts.sharedPairs && (
          <OverlapMatrix markets={facts.markets} shared={facts.sharedPairs} of="pairs" />
        )}
        <SpreadChart markets={facts.markets} />
        <Histogram title={t.lengths} bins={BINS} counts={lengths} unit={t.columns.users} />
      </div>
      <span class="sr">{facts.markets.map(({ name }) => marketName(name)).join(', ')}</span>
    </>
  );
}
