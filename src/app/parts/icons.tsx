// Icons of 20 × 20, drawn in the colour of the text, always beside a word.
const PATHS = {
  data: 'M3.5 4.5v11c0 1.4 2.9 2.5 6.5 2.5s6.5-1.1 6.5-2.5v-11M3.5 10c0 1.4 2.9 2.5 6.5 2.5s6.5-1.1 6.5-2.5M16.5 4.5a6.5 2.5 0 1 1-13 0 6.5 2.5 0 1 1 13 0',
  train: 'M3 16.5h14M5 13V9M10 13V4M15 13V7',
  recommend: 'M3 5.5h9M3 10h6M3 14.5h7M13 12.5l2 2 3-4',
  look: 'M7 5.4l6 1.2M5.7 7l1.7 6M13.6 8.5l-4.2 5M7 5a2 2 0 1 1-4 0 2 2 0 1 1 4 0M17 7a2 2 0 1 1-4 0 2 2 0 1 1 4 0M10 15a2 2 0 1 1-4 0 2 2 0 1 1 4 0',
  models: 'M10 2.5 17 6v8l-7 3.5L3 14V6ZM3 6l7 3.5L17 6M10 9.5v8',
  lock: 'M5 9V6.5a5 5 0 0 1 10 0V9M3.5 9h13v8h-13Z',
  remove: 'M5 5l10 10M15 5 5 15',
  file: 'M5 2.5h6.5L15 6v11.5H5ZM11.5 2.5V6H15',
};

export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** Three overlapping circles: the markets share. */
export function Mark() {
  return (
    <svg class="mark-logo" viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="9" cy="9" r="6" />
      <circle cx="15" cy="9" r="6" />
      <circle cx="12" cy="15" r="6" />
    </svg>
  );
}
