import { describe, expect, it } from 'vitest';
import { digestOf } from './digest.ts';
import { parseManifest } from './manifest.ts';
import { OCI_INDEX, OCI_MANIFEST } from './media-type.ts';

const blob = { mediaType: 'application/octet-stream', digest: digestOf('x'), size: 1 };

function parse(mediaType: string, content: object) {
  const bytes = Buffer.from(JSON.stringify(content));
  return parseManifest({ mediaType, digest: digestOf(bytes), bytes }, 'registry.example.com/team/app:v1');
}

describe('parseManifest', () => {
  it('takes null for an empty list, as tools write it that are made with Go', () => {
    expect(parse(OCI_MANIFEST, { config: blob, layers: null })).toMatchObject({ layers: [] });
    expect(parse(OCI_INDEX, { manifests: null })).toMatchObject({ manifests: [] });
    expect(() => parse(OCI_MANIFEST, { config: blob })).toThrow(/the manifest's list is missing/);
  });

  it('tells where a layer is served that registries need not have', () => {
    const urls = ['https://layers.example.com/a'];
    expect(
      parse(OCI_MANIFEST, { config: blob, layers: [{ ...blob, urls }, { ...blob, urls: [] }, blob] }),
    ).toMatchObject({
      layers: [{ urls }, blob, blob],
    });
  });
});
