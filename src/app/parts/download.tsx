// A button that saves a file.
import { ask } from '../client.ts';

/** Saves a Blob under a name. */
export function saveBlob(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export function Download(props: { label: string; name: string; get: () => Promise<Blob> }) {
  return (
    <button
      type="button"
      class="quiet"
      onClick={async () => {
        const blob = await ask(props.get());
        if (blob) saveBlob(blob, props.name);
      }}
    >
      {props.label}
    </button>
  );
}
