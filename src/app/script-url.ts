// Addresses of scripts under Trusted Types: the page's own files, and nothing else.

interface Policies {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): URL };
}

const policies = (globalThis as { trustedTypes?: Policies }).trustedTypes;

/** @throws TypeError for an address of another origin */
function own(address: string): string {
  const base = new URL('.', self.location.href);
  if (!new URL(address, base).href.startsWith(base.href)) throw new TypeError(`${address}: not a file of this page`);
  return address;
}

/** The one policy of this page's scripts; its name is in the Content Security Policy. */
const policy = policies?.createPolicy('m3rec', { createScriptURL: own });

/** A file of the page as an address that a worker may be started from. */
export const scriptUrl = (url: URL): URL => policy?.createScriptURL(url.href) ?? new URL(own(url.href));
