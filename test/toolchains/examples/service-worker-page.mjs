// registered by the name that its build has
const register = async () => {
  await navigator.serviceWorker.register('./sw.js');
  await navigator.serviceWorker.ready;
  if (!navigator.serviceWorker.controller)
    await new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve));
  const response = await fetch('./answer');
  const text = await response.text();
  return response.ok ? { text } : { error: text };
};
register().then(
  (found) => (globalThis.found = found),
  (error) => (globalThis.found = { error: String(error) }),
);
