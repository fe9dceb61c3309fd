// Files of published data sets that their content does not explain: which columns they have, and which market or split
// they are.
import type { RoleName } from './columns.ts';

/** A published file, known by its name. */
export interface KnownFile {
  dataset: string;
  /** Its name, without what only says how it is packed, in lower case. */
  file: RegExp;
  /** The name as help texts show it. */
  example: string;
  /** What is between columns; none where the file is no table. */
  delimiter?: string;
  /** The columns of a file without a header; `null` for those that are not read. */
  columns?: readonly (RoleName | null)[];
  /** The columns that are meant, where names alone would mislead. */
  named?: Partial<Record<RoleName, string>>;
  /** How dates with slashes are written. */
  dates?: 'mdy' | 'dmy';
}

const FOUR = ['user', 'item', 'rating', 'time'] as const;

export const KNOWN_FILES: readonly KnownFile[] = [
  {
    dataset: 'MovieLens 100K',
    file: /^u\.data$|^u[1-5ab]\.(base|test)$/,
    example: 'u.data',
    delimiter: '\t',
    columns: FOUR,
  },
  { dataset: 'MovieLens 1M, 10M', file: /^ratings\.dat$/, example: 'ratings.dat', delimiter: '::', columns: FOUR },
  {
    dataset: 'XMarket',
    file: /^ratings_[a-z]{2}_\w+\.txt$/,
    example: 'ratings_de_Electronics.txt.gz',
    delimiter: ' ',
    columns: FOUR,
  },
  {
    dataset: 'Amazon reviews 2014, ratings only',
    file: /^ratings_[a-z_0-9]+\.csv$/,
    example: 'ratings_Electronics.csv',
    delimiter: ',',
    columns: FOUR,
  },
  {
    dataset: 'Steam-200k',
    file: /^steam-200k\.csv$/,
    example: 'steam-200k.csv',
    delimiter: ',',
    columns: ['user', 'item', 'event', 'rating', null],
  },
  {
    dataset: 'Steam reviews',
    file: /^steam_reviews\.json$/,
    example: 'steam_reviews.json.gz',
    named: { user: 'username', item: 'product_id' },
  },
  { dataset: 'Online Retail', file: /^online[ _-]?retail.*\.csv$/, example: 'Online Retail.csv', dates: 'mdy' },
  {
    dataset: 'Last.fm 360K',
    file: /^usersha1-artmbid-artname-plays\.tsv$/,
    example: 'usersha1-artmbid-artname-plays.tsv',
    delimiter: '\t',
    columns: ['user', null, 'item', 'rating'],
  },
  {
    dataset: 'Last.fm 1K',
    file: /^userid-timestamp-artid-artname-traid-traname\.tsv$/,
    example: 'userid-timestamp-artid-artname-traid-traname.tsv',
    delimiter: '\t',
    columns: ['user', 'time', null, 'item', null, null],
  },
  {
    dataset: 'Million Song Dataset',
    file: /^train_triplets\.txt$|^kaggle_visible_evaluation_triplets\.txt$/,
    example: 'train_triplets.txt',
    delimiter: '\t',
    columns: ['user', 'item', 'rating'],
  },
  {
    dataset: 'Gowalla, Brightkite (SNAP)',
    file: /^(loc-)?(gowalla|brightkite)_totalcheckins\.txt$/,
    example: 'loc-gowalla_totalCheckins.txt',
    delimiter: '\t',
    columns: ['user', 'time', null, null, 'item'],
  },
  {
    dataset: 'Epinions',
    file: /^ratings_data\.txt$/,
    example: 'ratings_data.txt',
    delimiter: ' ',
    columns: ['user', 'item', 'rating'],
  },
  {
    dataset: 'Taobao UserBehavior',
    file: /^userbehavior\.csv$/,
    example: 'UserBehavior.csv',
    delimiter: ',',
    columns: ['user', 'item', null, 'event', 'time'],
  },
  {
    dataset: 'YooChoose',
    file: /^yoochoose-(clicks|test)\.dat$/,
    example: 'yoochoose-clicks.dat',
    delimiter: ',',
    columns: ['user', 'time', 'item', null],
  },
  {
    dataset: 'YooChoose',
    file: /^yoochoose-buys\.dat$/,
    example: 'yoochoose-buys.dat',
    delimiter: ',',
    columns: ['user', 'time', 'item', null, 'rating'],
  },
  {
    dataset: 'Diginetica',
    file: /^train-item-views\.csv$/,
    example: 'train-item-views.csv',
    named: { user: 'sessionId' },
  },
  {
    dataset: 'Foursquare NYC, TKY',
    file: /^dataset_tsmc2014_(nyc|tky)\.txt$/,
    example: 'dataset_TSMC2014_NYC.txt',
    delimiter: '\t',
    columns: ['user', 'item', null, null, null, null, null, 'time'],
  },
  {
    dataset: 'Twitch',
    file: /^(100k_a|full_a)\.csv$/,
    example: '100k_a.csv',
    delimiter: ',',
    columns: ['user', null, 'item', 'time', null],
  },
  { dataset: 'NCF', file: /\.(train|test)\.rating$/, example: 'ml-1m.train.rating', delimiter: '\t', columns: FOUR },
];

/** Data sets whose files say themselves what they hold: by a header, or by their shape. */
export const SELF_EXPLAINING: readonly { dataset: string; example: string; how: string }[] = [
  { dataset: 'MovieLens 20M, 25M, 32M, latest', example: 'ratings.csv', how: 'header userId,movieId,rating,timestamp' },
  { dataset: 'Netflix Prize', example: 'combined_data_1.txt', how: 'lines 1488,3,2005-09-06 below the film 1:' },
  {
    dataset: 'Amazon reviews 2013 (SNAP)',
    example: 'Electronics.txt.gz',
    how: 'product/productId: … and review/userId: … below each other',
  },
  { dataset: 'Amazon reviews 2014, 2018', example: 'Electronics_5.json.gz', how: 'JSON lines, reviewerID and asin' },
  {
    dataset: 'Amazon reviews 2018, ratings only',
    example: 'Electronics.csv',
    how: 'no header: item, user, rating, time, told by the forms of the ids',
  },
  {
    dataset: 'Amazon reviews 2023',
    example: 'Electronics.train.csv.gz',
    how: 'header user_id,parent_asin,rating,timestamp, or JSON lines',
  },
  {
    dataset: 'Amazon customer reviews',
    example: 'amazon_reviews_us_Books_v1_00.tsv.gz',
    how: 'header with marketplace, customer_id, product_id, star_rating; no quotes',
  },
  { dataset: 'XMarket reviews', example: 'reviews_de_Electronics.json.gz', how: 'JSON lines, reviewerID and asin' },
  { dataset: 'FOREC', example: 'de_5core.txt', how: 'header userId itemId rate date, spaces between' },
  { dataset: 'WSDM Cup 2022 kit', example: 't1/train_5core.tsv', how: 'a folder per market, valid_qrel.tsv held out' },
  { dataset: 'Retailrocket', example: 'events.csv', how: 'header timestamp,visitorid,event,itemid,transactionid' },
  { dataset: 'Yelp', example: 'yelp_academic_dataset_review.json', how: 'JSON lines, user_id and business_id' },
  { dataset: 'Book-Crossing', example: 'BX-Book-Ratings.csv', how: 'header "User-ID";"ISBN";"Book-Rating"' },
  { dataset: 'RecBole', example: 'ml-100k.inter', how: 'header user_id:token, item_id:token, …' },
  { dataset: 'LightGCN, NGCF, KGAT', example: 'train.txt', how: 'a user and all items in a line' },
  { dataset: 'Goodreads, goodbooks-10k', example: 'goodreads_interactions.csv', how: 'header user_id,book_id,…' },
  { dataset: 'H&M', example: 'transactions_train.csv', how: 'header t_dat,customer_id,article_id,…' },
  { dataset: 'REES46', example: '2019-Oct.csv', how: 'header event_time,event_type,product_id,…,user_id,user_session' },
  { dataset: 'HetRec 2011', example: 'user_artists.dat', how: 'header userID artistID weight, tabs between' },
  { dataset: 'Food.com', example: 'RAW_interactions.csv', how: 'header user_id,recipe_id,date,rating,review' },
  { dataset: 'Anime', example: 'rating.csv', how: 'header user_id,anime_id,rating (-1: not rated)' },
  { dataset: 'Tmall', example: 'user_log_format1.csv', how: 'header user_id,item_id,…,time_stamp,action_type' },
  {
    dataset: 'Ta-Feng',
    example: 'ta_feng_all_months_merged.csv',
    how: 'header TRANSACTION_DT,CUSTOMER_ID,…,PRODUCT_ID',
  },
];

/** The name of a file without its folders and without endings that say how it is packed, in lower case. */
export function plainFileName(name: string): string {
  return name
    .slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\'), name.lastIndexOf('!')) + 1)
    .toLowerCase()
    .replace(/\.(gz|gzip|zst|zstd)$/, '');
}

export function knownFile(name: string): KnownFile | undefined {
  const plain = plainFileName(name);
  return KNOWN_FILES.find(({ file }) => file.test(plain));
}

/** Which column is which: what a person says, else what a published file of that name means. */
export function chosenColumns(
  fileName: string,
  columns: Record<string, string | number | undefined> | undefined,
): Record<string, string | number | undefined> {
  return { ...knownFile(fileName)?.named, ...columns };
}

/**
 * Rows of Amazon's ratings-only files, which come in two orders: which column is the user, told by the forms of the
 * ids.
 */
export function amazonColumns(rows: readonly (readonly string[])[]): readonly RoleName[] | undefined {
  const isItem = (id: string) => /^[0-9A-Z]{10}$/.test(id);
  const isUser = (id: string) => /^A[0-9A-Z]{9,27}$/.test(id);
  const right = ([, , rating, time, ...more]: readonly string[]) =>
    /^[1-5](\.0)?$/.test(rating ?? '') && /^\d{9,10}$/.test(time ?? '') && more.length === 0;
  if (rows.length === 0 || !rows.every(right)) return undefined;
  const users = (column: number) => rows.filter((row) => isUser(row[column]) && !isItem(row[column])).length;
  const [first, second] = [users(0), users(1)];
  if (rows.every((row) => isItem(row[1])) && first > second && 2 * first > rows.length) return FOUR;
  if (rows.every((row) => isItem(row[0])) && second > first && 2 * second > rows.length)
    return ['item', 'user', 'rating', 'time'];
  return undefined;
}
