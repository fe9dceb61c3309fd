// Run by the build, in Node: the page as it opens, so that it is seen before a script has run.
import { renderToString } from 'preact-render-to-string';
import { App } from './app.tsx';

/** HTML of what the page opens with: the scarcest market of the sample, alone and with the others. */
export const prerender = (): string => renderToString(<App />);
