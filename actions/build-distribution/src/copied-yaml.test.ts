import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { build, commit, dockerfile, packageFiles, setUp, tearDown } from './fixture.ts';

beforeEach(setUp);
afterEach(tearDown);

const COPY = 'COPY deployment/package-registry.yml /package-registry/config.yml';
const CHART = 'name: {{ .Values.name }}\n---\n{{- if .Values.more }}\n';

/** Builds with other copies than that of the registry's configuration, and with these files. */
async function buildWith(copies: readonly string[], files: Record<string, string>, more = '') {
  const source = `${dockerfile('production', []).replace(COPY, copies.join('\n'))}${more}`;
  await commit('production', [], { ...packageFiles('log', '1.0.0'), ...files, Dockerfile: source });
  return build('production').result;
}

describe('YAML that the Dockerfile copies', () => {
  it('may be anything when it is not the configuration of the registry', async () => {
    const outputs = await buildWith(['COPY deploy /deploy', COPY], { 'deploy/chart.yaml': CHART });
    expect(outputs).toMatchObject({ result: 'built', packages: 1, findings: [] });
  });

  it('stops the build when it is the configuration of the registry', async () => {
    const broken = { 'deployment/package-registry.yml': 'package_paths: [\n' };
    await expect(buildWith([COPY], broken)).rejects.toThrow(/^deployment\/package-registry\.yml:\d+:\d+: /);
    const elsewhere = 'ENTRYPOINT ["./package-registry", "-config", "/etc/registry.conf"]\n';
    const copy = 'COPY deployment/package-registry.yml /etc/registry.conf';
    await expect(buildWith([copy], broken, elsewhere)).rejects.toThrow(/^deployment\/package-registry\.yml:/);
    await expect(buildWith([copy], broken, 'ENV EPR_CONFIG=/etc/registry.conf\n')).rejects.toThrow(/^deployment/);
  });

  it('is what the registry reads, whatever looks like it before', async () => {
    const outputs = await buildWith(['COPY old.yml /old.yml', COPY], {
      'old.yml': 'package_paths:\n  - /packages/other\n',
      'deployment/package-registry.yml': 'package_paths:\n  - /packages/production\n',
    });
    expect(outputs).toMatchObject({ result: 'built', packages: 1 });
  });

  it('is searched for the configuration when that has no known place, with a word on what cannot be read', async () => {
    const copies = ['COPY deploy /deploy', 'COPY deployment/package-registry.yml /somewhere.yml'];
    const { findings, packages } = await buildWith(copies, { 'deploy/chart.yaml': CHART });
    expect(packages).toBe(1);
    expect(findings).toMatchObject([{ rule: 'registry-configuration', severity: 'warning' }]);
    expect(findings[0]?.message).toMatch(/^\/deploy\/chart\.yaml is passed over/);
    const wrong = { 'deployment/package-registry.yml': 'package_paths:\n  - /packages/other\n' };
    await expect(buildWith(copies, wrong)).rejects.toThrow(/none of its packages would be served/);
  });
});
