/**
 * Folders of src/, lowest first: a file imports its own folder and lower floors; folders on one floor do not know each
 * other. '' is that of the package's entries.
 */
export const FLOORS = [
  ['common'],
  ['engine'],
  ['matrix', 'threads'],
  ['data', 'similarity', 'embedding', 'model'],
  ['recommend'],
  ['models'],
  ['train'],
  ['evaluate', 'serve', 'node'],
  ['lab', 'browser', 'cluster'],
  ['app'],
  ['cli'],
  [''],
];
