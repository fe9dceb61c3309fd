// Two halves of the users by a hash of their id, whatever the data's order: one to choose options on, the other to
// report.
const encoder = new TextEncoder();

/** FNV-1a, 32 bits. */
function hash(text) {
  let h = 0x811c9dc5;
  for (const byte of encoder.encode(text)) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}

/** `tune` or `report`; from the hash's upper bits, since FNV's lowest bit is the parity of the bytes alone. */
export const halfOf = (user) => (Math.imul(hash(user), 0x9e3779b1) >>> 31 === 0 ? 'tune' : 'report');

/** An evaluation made with `perUser`, of one half of its users, or of `all`. */
export function restrict(evaluation, half) {
  const markets = evaluation.markets.map((market) => {
    const perUser = half === 'all' ? market.perUser : market.perUser.filter(({ user }) => halfOf(user) === half);
    const mean = (value) =>
      perUser.reduce((sum, { rank }) => sum + (rank <= evaluation.k ? value(rank) : 0), 0) /
      Math.max(1, perUser.length);
    return {
      ...market,
      perUser,
      users: perUser.length,
      mrr: mean((rank) => 1 / rank),
      ndcg: mean((rank) => 1 / Math.log2(1 + rank)),
      hr: mean(() => 1),
    };
  });
  return { ...evaluation, markets };
}
