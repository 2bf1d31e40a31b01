import { describe, expect, it } from 'vitest';
import { checkNamespace, deploymentName } from './names.ts';

describe('deploymentName', () => {
  it('puts the distribution into the template', () => {
    expect(deploymentName('registry-{distribution}-vanilla', 'production-old')).toBe('registry-production-old-vanilla');
  });

  it.each([
    ['registry-{distribution}', '--all'],
    ['registry-{distribution}', 'a/b'],
    ['registry-{distribution}', '$(id)'],
    ['registry-{distribution}', ''],
    ['-{distribution}', 'staging'],
    ['{distribution}_x', 'staging'],
    ['{distribution} --all', 'staging'],
    [`${'a'.repeat(64)}-{distribution}`, 'staging'],
  ])('refuses %s with %s', (template, distribution) => {
    expect(() => deploymentName(template, distribution)).toThrow(/is no name of a/);
  });
});

describe('checkNamespace', () => {
  it('takes names, and nothing that could be an option', () => {
    expect(checkNamespace('package-registry')).toBe('package-registry');
    for (const name of ['-A', 'a b', 'A', '']) expect(() => checkNamespace(name)).toThrow(/no name of a namespace/);
  });
});
