import { ArgumentError } from '../common/errors.ts';
import { FolderFiles } from './folder-files.ts';
import { Store } from './store.ts';

/**
 * The store that a person named: a folder.
 * @throws ArgumentError for an address that is none; M3RecError for a folder that is another thing.
 */
export async function openStoreAt(place: string): Promise<Store> {
  if (place === '' || place.includes('\0')) throw new ArgumentError('--store', place, 'a folder');
  return new Store(new FolderFiles(place)).open();
}
