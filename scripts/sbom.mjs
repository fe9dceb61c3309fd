// The bill of materials in the package: npm's own (CycloneDX), cut down to what the bundles and kernels contain.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const windows = process.platform === 'win32';
/** That is how CycloneDX's taxonomy for npm marks what comes inside of a package. */
const BUNDLED = { name: 'cdx:npm:package:bundled', value: 'true' };

/**
 * The text of sbom.cdx.json. The same lock file, npm and bundles give the same bytes: it has no time, and its serial
 * number is a hash of the rest.
 *
 * @param {string[]} names of the packages that are bundled or compiled in
 * @throws Error for a package that the lock file lacks, or where npm fails.
 */
export function sbomOf(names) {
  const args = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'library'];
  const text = execFileSync(windows ? 'npm.cmd' : 'npm', args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    shell: windows,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const bom = JSON.parse(text);
  const { name, version } = JSON.parse(readFileSync('package.json', 'utf8'));
  const locked = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages;
  const components = names.map((each) => {
    const ref = `${each}@${locked[`node_modules/${each}`]?.version}`;
    const found = bom.components.find((component) => component['bom-ref'] === ref);
    if (!found) throw new Error(`${ref}: npm sbom does not list it`);
    const properties = found.properties.filter((property) => property.name !== 'cdx:npm:package:development');
    return { ...found, scope: 'required', properties: [...properties, BUNDLED] };
  });
  const { timestamp: _, component, ...metadata } = bom.metadata;
  const { serialNumber: __, ...rest } = {
    ...bom,
    metadata: { ...metadata, lifecycles: [{ phase: 'build' }], component: { ...component, name } },
    components,
    dependencies: [{ ref: `${name}@${version}`, dependsOn: components.map((each) => each['bom-ref']) }],
  };
  const hex = createHash('sha256').update(JSON.stringify(rest)).digest('hex');
  const uuid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  const { $schema, bomFormat, specVersion, ...others } = rest;
  return `${JSON.stringify({ $schema, bomFormat, specVersion, serialNumber: `urn:uuid:${uuid}`, ...others }, null, 1)}\n`;
}
