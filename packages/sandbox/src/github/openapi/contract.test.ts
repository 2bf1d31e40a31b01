import { stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { checkRequest, checkResponse, operationOf } from './contract.ts';

describe('the contract', () => {
  it('finds the operation of a path, names with slashes too', () => {
    expect(operationOf('GET', '/repos/a/b/commits/feature/x/check-runs')).toBe(
      'GET /repos/{owner}/{repo}/commits/{ref}/check-runs',
    );
    expect(operationOf('GET', '/repos/a/b/contents/')).toBe('GET /repos/{owner}/{repo}/contents/{path}');
    expect(operationOf('GET', '/gists')).toBeUndefined();
  });

  it('refuses what GitHub does not describe', () => {
    const label = { id: 1, node_id: 'x', url: 'http://127.0.0.1/l', name: 'a', description: null, color: 'ededed' };
    const operation = 'GET /repos/{owner}/{repo}/labels/{name}';
    expect(() => checkResponse(operation, 200, { ...label, default: false })).not.toThrow();
    expect(() => checkResponse(operation, 200, label)).toThrow(/'default'/);
    expect(() => checkResponse(operation, 200, { ...label, default: false, url: 'l' })).toThrow(/format "uri"/);
    expect(() => checkResponse(operation, 201, { ...label, default: false })).toThrow(/not described/);
    expect(() => checkRequest('POST /repos/{owner}/{repo}/git/refs', { ref: 'refs/heads/a' })).toThrow(/'sha'/);
  });

  it('stays small', async () => {
    expect((await stat(new URL('api.github.com.slice.json', import.meta.url))).size).toBeLessThan(300_000);
  });
});
