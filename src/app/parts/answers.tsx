// A list of recommended items with their reasons.
import type { ComponentChildren } from 'preact';
import { marketName, texts } from '../format.ts';
import { basket, customer, market, pictureOf, titleOf } from '../state.ts';
import type { Answer, AnswerItem } from '../worker/api.ts';

export function AnswerList(props: {
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
              <Picture item={item.item} />
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

/** Shown only where the person asked for it: its server sees which item is looked at. One that does not come leaves no gap. */
function Picture({ item }: { item: string }) {
  const image = pictureOf(item);
  if (image === undefined) return null;
  return (
    <img
      class="picture"
      src={image}
      alt=""
      width={48}
      height={48}
      loading="lazy"
      referrerpolicy="no-referrer"
      onError={(event) => {
        event.currentTarget.hidden = true;
      }}
    />
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
