import { describe, expect, it } from 'vitest';
import { formatReference, lastComponent, parseReference } from './reference.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('parseReference', () => {
  it.each([
    ['harbor.example.com/release/app:v1.0.0', 'harbor.example.com', 'release/app', 'v1.0.0', undefined],
    ['127.0.0.1:5000/a/b/c', '127.0.0.1:5000', 'a/b/c', undefined, undefined],
    ['localhost/app:latest', 'localhost', 'app', 'latest', undefined],
    [`registry.example.com:8443/x__y/z-z@${DIGEST}`, 'registry.example.com:8443', 'x__y/z-z', undefined, DIGEST],
    [`harbor.example.com/app:v1@${DIGEST}`, 'harbor.example.com', 'app', 'v1', DIGEST],
    ['busybox', 'docker.io', 'library/busybox', undefined, undefined],
    ['docker.io/busybox:1', 'docker.io', 'library/busybox', '1', undefined],
    ['index.docker.io/busybox:1', 'docker.io', 'library/busybox', '1', undefined],
    ['registry-1.docker.io/grafana/grafana:11', 'docker.io', 'grafana/grafana', '11', undefined],
    ['grafana/grafana:11', 'docker.io', 'grafana/grafana', '11', undefined],
  ])('reads %s', (text, registry, repository, tag, digest) => {
    const reference = parseReference(text);
    expect(reference).toEqual({ registry, repository, ...(tag && { tag }), ...(digest && { digest }) });
    expect(parseReference(formatReference(reference))).toEqual(reference);
  });

  it.each([
    ['', /no repository name/],
    ['harbor.example.com/Release/app:v1', /'Release\/app' is no repository name/],
    ['harbor.example.com/app:', /'' is no tag/],
    ['harbor.example.com/app:v1+build', /no tag/],
    ['harbor.example.com/app@sha256:123', /no digest/],
    ['harbor.example.com/../app:v1', /no repository name/],
    ['https://harbor.example.com/app:v1', /no re/],
    ['user@harbor.example.com/app:v1', /no digest/],
    [`harbor.example.com/${'a'.repeat(256)}`, /no repository name/],
  ])('refuses %s', (text, message) => {
    expect(() => parseReference(text)).toThrow(message);
  });
});

describe('lastComponent', () => {
  it('is what follows the last slash', () => {
    expect(lastComponent(parseReference('harbor.example.com/a/b/app:v1'))).toBe('app');
  });
});
