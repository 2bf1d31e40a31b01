import { list, parseJson } from '@slipway/core/action/inputs';
import { ConfigurationError } from '@slipway/core/errors';
import { type Image, parseImages } from '@slipway/core/image/image';
import { lastComponent, parseReference } from '@slipway/core/image/reference';

export interface WantedImages {
  readonly list: readonly Image[];
  /** Whether another action names them: then bundling follows, which wants their blobs again. */
  readonly handedOver: boolean;
}

/** Reads the input `images`: JSON as the other actions give it, or lines `source target` as people write it. */
export function readImages(value: string, name: string): WantedImages {
  const handedOver = value.startsWith('[');
  return {
    list: handedOver ? parseImages(parseJson(value, name), `input '${name}'`) : readLines(value, name),
    handedOver,
  };
}

function readLines(value: string, name: string): Image[] {
  return list(value, name).map((line) => {
    const [source, target, ...rest] = line.split(/\s+/);
    if (source === undefined || target === undefined || rest.length > 0) {
      throw new ConfigurationError(
        'invalid-images',
        `input '${name}': '${line}' should be two references, the source and the target.`,
      );
    }
    return { source, target, name: lastComponent(parseReference(target)) };
  });
}
