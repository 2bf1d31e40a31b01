import { assignImages, listReleases } from '../images.ts';
import { type ChangeRule, type Draft, positionIn } from '../rule.ts';
import type { SourceImage } from '../subject.ts';

export const sourceImage: ChangeRule = {
  id: 'source-image',
  level: 'error',
  description: 'Every image of a released plugin is in the source registry; judged only with `check-images: true`.',
  judges: 'change',
  *judge(subject) {
    const { sourceImages } = subject;
    if (sourceImages === undefined) return;
    const { images } = assignImages(subject);
    for (const { file, plugin } of listReleases(subject)) {
      for (const { source } of images.get(plugin) ?? []) {
        const found = sourceImages.get(source);
        if (found === undefined || 'digest' in found) continue;
        yield {
          file: file.path,
          position: positionIn(file, file.spec.image?.pointer ?? ''),
          ...explain(source, found),
        };
      }
    }
  },
};

/** Who pushes an image again that is there, but cannot be read, has mended nothing. */
function explain(
  source: string,
  found: Exclude<SourceImage, { readonly digest: string }>,
): Pick<Draft, 'message' | 'fix'> {
  if ('missing' in found) {
    return {
      message: `${source} cannot be released: it is not in the registry.`,
      fix: `Push it: docker push ${source}`,
    };
  }
  return {
    message: `Nobody can tell whether ${source} can be released: ${found.problem}`,
    fix: 'Mend that and run again; the file need not be changed for it.',
  };
}
