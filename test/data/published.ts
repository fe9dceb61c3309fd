// A few rows of each published data set that is known, written in its documented form; the data sets themselves are not
// to be had here. `source` says where the form is documented. Ids and values are made up or as the documentation shows
// them.

export interface Published {
  /** As src/data/datasets.ts calls it. */
  dataset: string;
  /** The path of the file, as it comes when it is unpacked into a folder of its own. */
  file: string;
  source: string;
  /** The content before it is packed as the file's name says. */
  content: string | Uint8Array;
  /** Market, user and item of each row that is read. */
  rows: [market: string, user: string, item: string][];
  /** The rating and the time (UTC) of the first row, where the file has them. */
  rating?: number;
  time?: string;
}

const lines = (...rows: string[]) => `${rows.join('\n')}\n`;
const crlf = (...rows: string[]) => `${rows.join('\r\n')}\r\n`;

export const PUBLISHED: readonly Published[] = [
  {
    dataset: 'MovieLens 100K',
    file: 'ml-100k/u.data',
    source: 'https://files.grouplens.org/datasets/movielens/ml-100k-README.txt',
    content: lines('196\t242\t3\t881250949', '186\t302\t3\t891717742', '22\t377\t1\t878887116'),
    rows: [
      ['ml-100k', '196', '242'],
      ['ml-100k', '186', '302'],
      ['ml-100k', '22', '377'],
    ],
    rating: 3,
    time: '1997-12-04T15:55:49.000Z',
  },
  {
    dataset: 'MovieLens 1M, 10M',
    file: 'ml-1m/ratings.dat',
    source: 'https://files.grouplens.org/datasets/movielens/ml-1m-README.txt',
    content: lines('1::1193::5::978300760', '1::661::3::978302109', '2::1193::5::978298413'),
    rows: [
      ['ml-1m', '1', '1193'],
      ['ml-1m', '1', '661'],
      ['ml-1m', '2', '1193'],
    ],
    rating: 5,
    time: '2000-12-31T22:12:40.000Z',
  },
  {
    dataset: 'MovieLens 20M, 25M, 32M, latest',
    file: 'ml-latest-small/ratings.csv',
    source: 'https://files.grouplens.org/datasets/movielens/ml-latest-small-README.html',
    content: crlf('userId,movieId,rating,timestamp', '1,1,4.0,964982703', '1,3,4.0,964981247', '2,318,3.0,1445714835'),
    rows: [
      ['ml-latest-small', '1', '1'],
      ['ml-latest-small', '1', '3'],
      ['ml-latest-small', '2', '318'],
    ],
    rating: 4,
    time: '2000-07-30T18:45:03.000Z',
  },
  {
    dataset: 'XMarket',
    file: 'XMarket/ratings_de_Electronics.txt.gz',
    source:
      'https://xmrec.github.io/data/de/, read with header=None, sep=" ", names userId itemId rate date in https://github.com/hamedrab/FOREC/blob/main/prepare_data.ipynb',
    content: lines('AE7MLXQV B00V4584GW 5.0 2016-06-13', 'AGJ73TI2 B00M55C1I2 5.0 2018-01-22'),
    rows: [
      ['de', 'AE7MLXQV', 'B00V4584GW'],
      ['de', 'AGJ73TI2', 'B00M55C1I2'],
    ],
    rating: 5,
    time: '2016-06-13T00:00:00.000Z',
  },
  {
    dataset: 'XMarket reviews',
    file: 'XMarket/reviews_de_Electronics.json.gz',
    source: 'https://xmrec.github.io/data/de/ (the fields of Amazon reviews)',
    content: lines(
      '{"reviewerID": "AE7MLXQV", "asin": "B00V4584GW", "overall": 5.0, "cleanReviewText": "Gut"}',
      '{"reviewerID": "AGJ73TI2", "asin": "B00M55C1I2", "overall": 4.0}',
    ),
    rows: [
      ['de', 'AE7MLXQV', 'B00V4584GW'],
      ['de', 'AGJ73TI2', 'B00M55C1I2'],
    ],
    rating: 5,
  },
  {
    dataset: 'FOREC',
    file: 'proc_data/de_5core.txt',
    source: 'https://github.com/hamedrab/FOREC/blob/main/DATA/proc_data/de_5core.txt',
    content: lines(
      'userId itemId rate date',
      'AE7MLXQV B00V4584GW 5.0 2016-06-13',
      'AGJ73TI2 B00M55C1I2 4.0 2018-01-22',
    ),
    rows: [
      ['de', 'AE7MLXQV', 'B00V4584GW'],
      ['de', 'AGJ73TI2', 'B00M55C1I2'],
    ],
    rating: 5,
    time: '2016-06-13T00:00:00.000Z',
  },
  {
    dataset: 'WSDM Cup 2022 kit',
    file: 'DATA/t1/train_5core.tsv',
    source: 'https://github.com/hamedrab/wsdm22_cup_xmrec/tree/main/DATA',
    content: lines('userId\titemId\trating', 't1U1007418\tP1012632\t1.0', 't1U1005548\tP1027537\t1.0'),
    rows: [
      ['t1', 't1U1007418', 'P1012632'],
      ['t1', 't1U1005548', 'P1027537'],
    ],
    rating: 1,
  },
  {
    dataset: 'Netflix Prize',
    file: 'netflix/combined_data_1.txt',
    source: 'https://www.kaggle.com/datasets/netflix-inc/netflix-prize-data (README)',
    content: lines('1:', '1488844,3,2005-09-06', '822109,5,2005-05-13', '2:', '885013,4,2005-10-19'),
    rows: [
      ['netflix', '1488844', '1'],
      ['netflix', '822109', '1'],
      ['netflix', '885013', '2'],
    ],
    rating: 3,
    time: '2005-09-06T00:00:00.000Z',
  },
  {
    dataset: 'Amazon reviews 2013 (SNAP)',
    file: 'amazon/Arts.txt.gz',
    source: 'https://snap.stanford.edu/data/web-Amazon.html',
    content: Buffer.from(
      lines(
        'product/productId: B000GKXY4S',
        'product/title: Crazy Shape Scissor Set',
        'product/price: unknown',
        'review/userId: A1QA985ULVCQOB',
        'review/profileName: Carleen M. Amad\u00e9',
        'review/helpfulness: 2/2',
        'review/score: 5.0',
        'review/time: 1186358400',
        'review/summary: Fun for adults too!',
        'review/text: I really enjoy these scissors.',
        '',
        'product/productId: B000140KIW',
        'product/title: Kreinik Gold',
        'review/userId: AGZQG5H8QQGWS',
        'review/score: 4.0',
        'review/time: 1172016000',
        '',
      ),
      'latin1',
    ),
    rows: [
      ['Arts', 'A1QA985ULVCQOB', 'B000GKXY4S'],
      ['Arts', 'AGZQG5H8QQGWS', 'B000140KIW'],
    ],
    rating: 5,
    time: '2007-08-06T00:00:00.000Z',
  },
  {
    dataset: 'Amazon reviews 2014, 2018',
    file: 'amazon/Electronics_5.json.gz',
    source: 'https://cseweb.ucsd.edu/~jmcauley/datasets/amazon_v2/',
    content: lines(
      '{"reviewerID": "A2SUAM1J3GNN3B", "asin": "0000013714", "reviewerName": "J. McDonald", "helpful": [2, 3], "overall": 5.0, "unixReviewTime": 1252800000, "reviewTime": "09 13, 2009"}',
      '{"reviewerID": "AO94DHGC771SJ", "asin": "0528881469", "overall": 1.0, "unixReviewTime": 1370131200, "reviewTime": "06 2, 2013"}',
    ),
    rows: [
      ['Electronics', 'A2SUAM1J3GNN3B', '0000013714'],
      ['Electronics', 'AO94DHGC771SJ', '0528881469'],
    ],
    rating: 5,
    time: '2009-09-13T00:00:00.000Z',
  },
  {
    dataset: 'Amazon reviews 2014, ratings only',
    file: 'amazon/ratings_Beauty.csv',
    source: 'https://jmcauley.ucsd.edu/data/amazon/index_2014.html (user, item, rating, timestamp)',
    content: lines('A39HTATAQ9V7YF,0205616461,5.0,1369699200', 'A3JM6GV9MNOF9X,0558925278,3.0,1355443200'),
    rows: [
      ['amazon', 'A39HTATAQ9V7YF', '0205616461'],
      ['amazon', 'A3JM6GV9MNOF9X', '0558925278'],
    ],
    rating: 5,
    time: '2013-05-28T00:00:00.000Z',
  },
  {
    dataset: 'Amazon reviews 2018, ratings only',
    file: 'amazon/Electronics.csv',
    source: 'https://nijianmo.github.io/amazon/index.html (item, user, rating, timestamp)',
    content: lines('0060009810,A1N070NS9CJQ2I,5.0,1026864000', '0060009810,A3P0KRKOBQK1KN,4.0,1025913600'),
    rows: [
      ['Electronics', 'A1N070NS9CJQ2I', '0060009810'],
      ['Electronics', 'A3P0KRKOBQK1KN', '0060009810'],
    ],
    rating: 5,
    time: '2002-07-17T00:00:00.000Z',
  },
  {
    dataset: 'Amazon reviews 2023',
    file: 'toys/Toys_and_Games.train.csv.gz',
    source: 'https://amazon-reviews-2023.github.io/data_processing/5core.html',
    content: lines(
      'user_id,parent_asin,rating,timestamp',
      'AGKASBHYZPGTEPO6LWZPVJWB2BVA,B006GBITXC,3.0,1452647382000',
      'AGKASBHYZPGTEPO6LWZPVJWB2BVA,B00TLEMSVK,4.0,1454675785000',
    ),
    rows: [
      ['toys', 'AGKASBHYZPGTEPO6LWZPVJWB2BVA', 'B006GBITXC'],
      ['toys', 'AGKASBHYZPGTEPO6LWZPVJWB2BVA', 'B00TLEMSVK'],
    ],
    rating: 3,
    time: '2016-01-13T01:09:42.000Z',
  },
  {
    dataset: 'Amazon customer reviews',
    file: 'amazon/amazon_reviews_us_Books_v1_00.tsv.gz',
    source: 'https://s3.amazonaws.com/amazon-reviews-pds/tsv/index.txt',
    content: lines(
      'marketplace\tcustomer_id\treview_id\tproduct_id\tproduct_parent\tproduct_title\tproduct_category\tstar_rating\thelpful_votes\ttotal_votes\tvine\tverified_purchase\treview_headline\treview_body\treview_date',
      'US\t12076615\tRQ58W7SMO911M\t0385730586\t122662979\t"Sisterhood" of the Traveling Pants\tBooks\t4\t2\t3\tN\tN\tthis was "good\tI loved it"\t2005-10-14',
      'DE\t12703090\tRF6IUKMGL8SF\t0811828964\t56191234\tThe Bad Girl\'s Guide\tBooks\t3\t5\t5\tN\tN\tFun Fluff\t"Girls\t2005-10-15',
    ),
    rows: [
      ['US', '12076615', '0385730586'],
      ['DE', '12703090', '0811828964'],
    ],
    rating: 4,
    time: '2005-10-14T00:00:00.000Z',
  },
  {
    dataset: 'Retailrocket',
    file: 'retailrocket/events.csv',
    source: 'https://www.kaggle.com/datasets/retailrocket/ecommerce-dataset',
    content: lines(
      'timestamp,visitorid,event,itemid,transactionid',
      '1433221332117,257597,view,355908,',
      '1433224214164,992329,addtocart,248676,',
      '1433222276276,599528,transaction,356475,4000',
    ),
    rows: [
      ['retailrocket', '257597', '355908'],
      ['retailrocket', '992329', '248676'],
      ['retailrocket', '599528', '356475'],
    ],
    time: '2015-06-02T05:02:12.117Z',
  },
  {
    dataset: 'Online Retail',
    file: 'retail/Online Retail.csv',
    source: 'https://archive.ics.uci.edu/dataset/352/online+retail',
    content: Buffer.from(
      crlf(
        'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country',
        '536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,12/1/2010 8:26,2.55,17850,United Kingdom',
        '536370,22728,ALARM CLOCK BAKELIKE PINK \u00a35,24,12/1/2010 8:45,3.75,12583,France',
        '536414,22139,,56,12/1/2010 11:52,0,,United Kingdom',
      ),
      'latin1',
    ),
    rows: [
      ['United Kingdom', '17850', '85123A'],
      ['France', '12583', '22728'],
    ],
    time: '2010-12-01T08:26:00.000Z',
  },
  {
    dataset: 'Yelp',
    file: 'yelp/yelp_academic_dataset_review.json',
    source: 'https://www.yelp.com/dataset/documentation/main',
    content: lines(
      '{"review_id":"zdSx_SD6obEhz9VrW9uAWA","user_id":"Ha3iJu77CxlrFm-vQRs_8g","business_id":"tnhfDv5Il8EaGSXZGiuQGg","stars":4,"date":"2016-03-09","text":"Great place"}',
      '{"review_id":"x","user_id":"mh_-eMZ6K5RLWhZyISBhwA","business_id":"XQfwVwDr-v0ZS3_CbbE5Xw","stars":3,"date":"2018-07-07 22:09:11","text":"\\"Fine\\""}',
    ),
    rows: [
      ['yelp_academic_dataset', 'Ha3iJu77CxlrFm-vQRs_8g', 'tnhfDv5Il8EaGSXZGiuQGg'],
      ['yelp_academic_dataset', 'mh_-eMZ6K5RLWhZyISBhwA', 'XQfwVwDr-v0ZS3_CbbE5Xw'],
    ],
    rating: 4,
    time: '2016-03-09T00:00:00.000Z',
  },
  {
    dataset: 'Steam-200k',
    file: 'steam/steam-200k.csv',
    source: 'https://www.kaggle.com/datasets/tamber/steam-video-games',
    content: lines(
      '151603712,"The Elder Scrolls V Skyrim",purchase,1.0,0',
      '151603712,"The Elder Scrolls V Skyrim",play,273.0,0',
      '187131847,"Warhammer 40,000",purchase,1.0,0',
    ),
    rows: [
      ['steam', '151603712', 'The Elder Scrolls V Skyrim'],
      ['steam', '151603712', 'The Elder Scrolls V Skyrim'],
      ['steam', '187131847', 'Warhammer 40,000'],
    ],
    rating: 1,
  },
  {
    dataset: 'Steam reviews',
    file: 'steam/steam_reviews.json.gz',
    source: 'https://cseweb.ucsd.edu/~jmcauley/datasets.html#steam_data (a Python dictionary a line)',
    content: lines(
      "{u'username': u'Chaos Syren', u'hours': 0.1, u'products': 41, u'product_id': u'725280', u'page_order': 0, u'date': u'2017-12-17', u'text': u'This would not be acceptable as an entertainment', u'early_access': False, u'page': 1}",
      "{u'username': u'\\u2665 Ariman1 \\u2665', u'hours': 13.2, u'user_id': u'76561197', u'product_id': u'328100', u'date': u'2017-08-02', u'text': u\"it's \\n fine\", u'compensation': None, u'early_access': True}",
    ),
    rows: [
      ['steam', 'Chaos Syren', '725280'],
      ['steam', '\u2665 Ariman1 \u2665', '328100'],
    ],
    time: '2017-12-17T00:00:00.000Z',
  },
  {
    dataset: 'Book-Crossing',
    file: 'bx/BX-Book-Ratings.csv',
    source: 'http://www2.informatik.uni-freiburg.de/~cziegler/BX/',
    content: lines(
      '"User-ID";"ISBN";"Book-Rating"',
      '"276725";"034545104X";"0"',
      '"276726";"0155061224";"5"',
      '"130571";"\\"0432534220\\"";"6"',
    ),
    rows: [
      ['BX_Book', '276725', '034545104X'],
      ['BX_Book', '276726', '0155061224'],
      ['BX_Book', '130571', '"0432534220"'],
    ],
    rating: 0,
  },
  {
    dataset: 'RecBole',
    file: 'ml-100k/ml-100k.inter',
    source: 'https://recbole.io/docs/user_guide/data/atomic_files.html',
    content: lines(
      'user_id:token\titem_id:token\trating:float\ttimestamp:float',
      '196\t242\t3\t881250949',
      '186\t302\t3\t891717742',
    ),
    rows: [
      ['ml-100k', '196', '242'],
      ['ml-100k', '186', '302'],
    ],
    rating: 3,
    time: '1997-12-04T15:55:49.000Z',
  },
  {
    dataset: 'LightGCN, NGCF, KGAT',
    file: 'gowalla/train.txt',
    source: 'https://github.com/gusye1234/LightGCN-PyTorch/tree/master/data/gowalla',
    content: lines('0 0 1 2', '1 3', '2 0 4'),
    rows: [
      ['gowalla', '0', '0'],
      ['gowalla', '0', '1'],
      ['gowalla', '0', '2'],
      ['gowalla', '1', '3'],
      ['gowalla', '2', '0'],
      ['gowalla', '2', '4'],
    ],
  },
  {
    dataset: 'NCF',
    file: 'ncf/ml-1m.train.rating',
    source: 'https://github.com/hexiangnan/neural_collaborative_filtering/tree/master/Data',
    content: lines('0\t32\t4\t978824330', '0\t34\t4\t978824330', '1\t4\t5\t978824268'),
    rows: [
      ['ncf', '0', '32'],
      ['ncf', '0', '34'],
      ['ncf', '1', '4'],
    ],
    rating: 4,
    time: '2001-01-06T23:38:50.000Z',
  },
  {
    dataset: 'Last.fm 360K',
    file: 'lastfm/usersha1-artmbid-artname-plays.tsv',
    source: 'https://www.upf.edu/web/mtg/lastfm360k',
    content: lines(
      '00000c289a1829a808ac09c00daf10bc3c4e223b\t3bd73256-3905-4f3a-97e2-8b341527f805\tbetty blowtorch\t2137',
      '00000c289a1829a808ac09c00daf10bc3c4e223b\t\t"weird al" yankovic\t1099',
    ),
    rows: [
      ['lastfm', '00000c289a1829a808ac09c00daf10bc3c4e223b', 'betty blowtorch'],
      ['lastfm', '00000c289a1829a808ac09c00daf10bc3c4e223b', '"weird al" yankovic'],
    ],
    rating: 2137,
  },
  {
    dataset: 'Last.fm 1K',
    file: 'lastfm/userid-timestamp-artid-artname-traid-traname.tsv',
    source: 'http://ocelma.net/MusicRecommendationDataset/lastfm-1K.html',
    content: lines(
      'user_000001\t2009-05-04T23:08:57Z\tf1b1cf71-bd35-4e99-8624-24a6e15f133a\tDeep Dish\t\tFuck Me Im Famous (Pacha Ibiza)-09-28-2007',
    ),
    rows: [['lastfm', 'user_000001', 'Deep Dish']],
    time: '2009-05-04T23:08:57.000Z',
  },
  {
    dataset: 'HetRec 2011',
    file: 'hetrec/user_artists.dat',
    source: 'https://files.grouplens.org/datasets/hetrec2011/hetrec2011-lastfm-readme.txt',
    content: crlf('userID\tartistID\tweight', '2\t51\t13883', '2\t52\t11690'),
    rows: [
      ['user_artists', '2', '51'],
      ['user_artists', '2', '52'],
    ],
  },
  {
    dataset: 'Million Song Dataset',
    file: 'msd/train_triplets.txt',
    source: 'http://millionsongdataset.com/tasteprofile/',
    content: lines(
      'b80344d063b5ccb3212f76538f3d9e43d87dca9e\tSOAKIMP12A8C130995\t1',
      'b80344d063b5ccb3212f76538f3d9e43d87dca9e\tSOAPDEY12A81C210A9\t5',
    ),
    rows: [
      ['msd', 'b80344d063b5ccb3212f76538f3d9e43d87dca9e', 'SOAKIMP12A8C130995'],
      ['msd', 'b80344d063b5ccb3212f76538f3d9e43d87dca9e', 'SOAPDEY12A81C210A9'],
    ],
    rating: 1,
  },
  {
    dataset: 'Gowalla, Brightkite (SNAP)',
    file: 'snap/loc-gowalla_totalCheckins.txt.gz',
    source: 'https://snap.stanford.edu/data/loc-Gowalla.html',
    content: lines(
      '0\t2010-10-19T23:55:27Z\t30.2359091167\t-97.7951395833\t22847',
      '0\t2010-10-18T22:17:43Z\t30.2691029532\t-97.7493953705\t420315',
    ),
    rows: [
      ['snap', '0', '22847'],
      ['snap', '0', '420315'],
    ],
    time: '2010-10-19T23:55:27.000Z',
  },
  {
    dataset: 'Epinions',
    file: 'epinions/ratings_data.txt',
    source: 'http://www.trustlet.org/downloaded_epinions.html',
    content: lines('1 100 4', '1 101 5', '2 100 3'),
    rows: [
      ['epinions', '1', '100'],
      ['epinions', '1', '101'],
      ['epinions', '2', '100'],
    ],
    rating: 4,
  },
  {
    dataset: 'Taobao UserBehavior',
    file: 'taobao/UserBehavior.csv',
    source: 'https://tianchi.aliyun.com/dataset/649',
    content: lines('1,2268318,2520377,pv,1511544070', '1,2333346,2520771,buy,1511561733'),
    rows: [
      ['taobao', '1', '2268318'],
      ['taobao', '1', '2333346'],
    ],
    time: '2017-11-24T17:21:10.000Z',
  },
  {
    dataset: 'YooChoose',
    file: 'yoochoose/yoochoose-clicks.dat',
    source: 'https://recsys.acm.org/recsys15/challenge/',
    content: lines('1,2014-04-07T10:51:09.277Z,214536502,0', '1,2014-04-07T10:54:09.868Z,214536500,0'),
    rows: [
      ['yoochoose', '1', '214536502'],
      ['yoochoose', '1', '214536500'],
    ],
    time: '2014-04-07T10:51:09.277Z',
  },
  {
    dataset: 'YooChoose',
    file: 'yoochoose/yoochoose-buys.dat',
    source: 'https://recsys.acm.org/recsys15/challenge/',
    content: lines(
      '420374,2014-04-06T18:44:58.314Z,214537888,12462,1',
      '420374,2014-04-06T18:44:58.325Z,214537850,10471,1',
    ),
    rows: [
      ['yoochoose', '420374', '214537888'],
      ['yoochoose', '420374', '214537850'],
    ],
    rating: 1,
    time: '2014-04-06T18:44:58.314Z',
  },
  {
    dataset: 'Diginetica',
    file: 'diginetica/train-item-views.csv',
    source: 'https://competitions.codalab.org/competitions/11161',
    content: lines(
      'sessionId;userId;itemId;timeframe;eventdate',
      '1;NA;81766;526309;2016-05-09',
      '1;NA;31331;1031018;2016-05-09',
    ),
    rows: [
      ['diginetica', '1', '81766'],
      ['diginetica', '1', '31331'],
    ],
    time: '2016-05-09T00:00:00.000Z',
  },
  {
    dataset: 'Foursquare NYC, TKY',
    file: 'foursquare/dataset_TSMC2014_NYC.txt',
    source: 'https://sites.google.com/site/yangdingqi/home/foursquare-dataset',
    content: Buffer.from(
      lines(
        '470\t49bbd6c0f964a520f4531fe3\t4bf58dd8d48988d127951735\tArts & Crafts Store\t40.719810375488535\t-74.00258103213994\t-240\tTue Apr 03 18:00:09 +0000 2012',
        '979\t4a43c0aef964a520c6a61fe3\t4bf58dd8d48988d1df941735\tCaf\u00e9\t40.60679958140643\t-74.04416981025437\t-240\tTue Apr 03 18:00:25 +0000 2012',
      ),
      'latin1',
    ),
    rows: [
      ['foursquare', '470', '49bbd6c0f964a520f4531fe3'],
      ['foursquare', '979', '4a43c0aef964a520c6a61fe3'],
    ],
    time: '2012-04-03T18:00:09.000Z',
  },
  {
    dataset: 'Twitch',
    file: 'twitch/100k_a.csv',
    source: 'https://cseweb.ucsd.edu/~jmcauley/datasets.html#twitch',
    content: lines('1,33842865744,mithrain,154,156', '1,33846768288,alptv,166,169'),
    rows: [
      ['twitch', '1', 'mithrain'],
      ['twitch', '1', 'alptv'],
    ],
  },
  {
    dataset: 'Goodreads, goodbooks-10k',
    file: 'goodreads/goodreads_interactions.csv',
    source: 'https://cseweb.ucsd.edu/~jmcauley/datasets/goodreads.html',
    content: lines('user_id,book_id,is_read,rating,is_reviewed', '0,948,1,5,0', '0,947,1,5,1'),
    rows: [
      ['goodreads', '0', '948'],
      ['goodreads', '0', '947'],
    ],
    rating: 5,
  },
  {
    dataset: 'H&M',
    file: 'hm/transactions_train.csv',
    source: 'https://www.kaggle.com/competitions/h-and-m-personalized-fashion-recommendations/data',
    content: lines(
      't_dat,customer_id,article_id,price,sales_channel_id',
      '2018-09-20,000058a12d5b43e67d225668fa1f8d618c13dc232df0cad8ffe7ad4a1091e318,0663713001,0.0508,2',
    ),
    rows: [['hm', '000058a12d5b43e67d225668fa1f8d618c13dc232df0cad8ffe7ad4a1091e318', '0663713001']],
    time: '2018-09-20T00:00:00.000Z',
  },
  {
    dataset: 'REES46',
    file: 'rees46/2019-Oct.csv.gz',
    source: 'https://www.kaggle.com/datasets/mkechinov/ecommerce-behavior-data-from-multi-category-store',
    content: lines(
      'event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session',
      '2019-10-01 00:00:00 UTC,view,44600062,2103807459595387724,,shiseido,35.79,541312140,72d76fde-8bb3-4e00-8c23-a032dfed738c',
    ),
    rows: [['rees46', '541312140', '44600062']],
    time: '2019-10-01T00:00:00.000Z',
  },
  {
    dataset: 'Food.com',
    file: 'food/RAW_interactions.csv',
    source: 'https://www.kaggle.com/datasets/shuyangli94/food-com-recipes-and-user-interactions',
    content: lines(
      'user_id,recipe_id,date,rating,review',
      '38094,40893,2003-02-17,4,"Great with a salad.',
      '',
      'Cooked on top of stove, for 15 minutes"',
      '1293707,40893,2011-12-21,5,"So simple, so delicious!"',
    ),
    rows: [
      ['RAW', '38094', '40893'],
      ['RAW', '1293707', '40893'],
    ],
    rating: 4,
    time: '2003-02-17T00:00:00.000Z',
  },
  {
    dataset: 'Anime',
    file: 'anime/rating.csv',
    source: 'https://www.kaggle.com/datasets/CooperUnion/anime-recommendations-database',
    content: lines('user_id,anime_id,rating', '1,20,-1', '1,24,8'),
    rows: [
      ['anime', '1', '20'],
      ['anime', '1', '24'],
    ],
    rating: -1,
  },
  {
    dataset: 'Tmall',
    file: 'tmall/user_log_format1.csv',
    source: 'https://tianchi.aliyun.com/dataset/42',
    content: lines(
      'user_id,item_id,cat_id,seller_id,brand_id,time_stamp,action_type',
      '328862,323294,833,2882,2661,0829,0',
      '328862,844400,1271,2882,2661,0829,2',
    ),
    rows: [
      ['user_log_format1', '328862', '323294'],
      ['user_log_format1', '328862', '844400'],
    ],
  },
  {
    dataset: 'Ta-Feng',
    file: 'tafeng/ta_feng_all_months_merged.csv',
    source: 'https://www.kaggle.com/datasets/chiranjivdas09/ta-feng-grocery-dataset',
    content: lines(
      '"TRANSACTION_DT","CUSTOMER_ID","AGE_GROUP","PIN_CODE","PRODUCT_SUBCLASS","PRODUCT_ID","AMOUNT","ASSET","SALES_PRICE"',
      '"11/1/2000","01104905  ","45-49","115","110411","4710199010372","2","24","30"',
    ),
    rows: [['ta_feng_months_merged', '01104905', '4710199010372']],
  },
];
