import type { SparseMatrix, SparsePattern } from '../matrix/sparse.ts';
import type { Table } from './table.ts';

/** What a model knows of one market; terms that a model does not have are absent. n = items, d = dim. */
export interface MarketModel {
  name: string;
  /** (n) indices into `Model.items`, strictly increasing. */
  items: Int32Array;
  /** (n) users who interacted with the item in training. */
  popularity: Uint32Array;
  /** S (n × n): row i is what history item i adds to every item's score. */
  linear?: SparseMatrix;
  /** M, a value for each entry of S: what the history item that is closest by it adds to the score. */
  maxima?: Float32Array;
  /** P (n × d): what a history item adds to the user's vector. Without it, V does. */
  foldIn?: Table;
  /**
   * V (n × d), rows of unit length, or zero for an item without a vector. Where they are not f32, `loadModel` gives
   * them unit length again.
   */
  vectors?: Table;
  /** (n) added to every score. */
  bias?: Float32Array;
  /** Weight of the linear term. */
  linearWeight: number;
  /** The linear term is divided by |x|^linearPower. */
  linearPower: number;
  /** Weight of the cosine, or of u · V_j in kinds whose scores are products. */
  cosineWeight: number;
  /** User ids, sorted by UTF-16 code units; absent in a model without users. */
  users?: string[];
  /** X_m (users × n): what the users have seen. Present exactly where `users` is. */
  seenItems?: SparsePattern;
  /** Names of other markets, sorted; present exactly where `boughtElsewhere` is. */
  otherMarkets?: string[];
  /** (n × other markets) users there of each item that nobody in this market has; absent if there is no such item. */
  boughtElsewhere?: SparseMatrix;
  /** U_loc (users × d): a known user's own offset. */
  userVectors?: Table;
  /** α₀ Σ V_j V_jᵀ (d × d), of the sixteen last rows and columns zeros; in kinds that solve for the vector of a history. */
  gram?: Table;
  /** λ, α₀ n and ν of that solution: (gram + λ (|x| + α₀ n)^ν I + Σ_{i∈x} V_i V_iᵀ) u = Σ_{i∈x} V_i. */
  foldRidge?: number;
  foldUnseen?: number;
  foldPower?: number;
  /** −(G_m + λI)⁻¹ of the market's own EASE (tiles.ts), where the model is updatable and has such a term. */
  inverse?: Float32Array;
}

/** Texts about items by the name of the property: `title`, `url`, … */
export type ItemData = Record<string, (string | null)[]>;

/**
 * A trained model. The score of item j of a market for a history x (positions of items) of a user is
 *
 *   linearWeight · |x|^(−linearPower) · Σ_{i∈x} S_ij  +  max(0, max_{i∈x} M_ij)  +  cosineWeight · cos(u, V_j)  +  bias_j,
 *   u = (1 / c) Σ_{i∈x} P_i + U_loc(user),   c = the number of i ∈ x whose row of P is not zero.
 *
 * In kinds whose scores are products of vectors, u · V_j takes the place of the cosine. An unseen user has no U_loc. Every sum runs in the order of the history, ascending item positions.
 */
export interface Model {
  /** Its name in the registry of kinds. */
  kind: string;
  /** d; 0 in a model without vectors. */
  dim: number;
  /** Item ids over all markets, sorted by UTF-16 code units. */
  items: string[];
  /** What is known of the items, by the name of the property: (items) texts, null where nothing is known. */
  itemData?: ItemData;
  /**
   * −(G + λI)⁻¹ of the merged EASE over all items (tiles.ts), in an updatable model: about 2 n² bytes, not needed to
   * serve.
   */
  inverse?: Float32Array;
  /** All that a network has learned, as its kind lays it out (models/network/parameters.ts). */
  parameters?: Float32Array;
  markets: MarketModel[];
  /**
   * The options it was trained with, and what each stage reported (no times: the file depends on data, seed and options
   * only); `exported`: how it was changed since.
   */
  training: Record<string, unknown>;
}
