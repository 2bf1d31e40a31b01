import { assignImages, listReleases } from '../images.ts';
import { type ChangeRule, positionIn } from '../rule.ts';

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
        if (found === undefined || !('problem' in found)) continue;
        yield {
          file: file.path,
          position: positionIn(file, file.spec.image?.pointer ?? ''),
          message: `${source} cannot be released: ${found.problem}`,
          fix: `Push it: docker push ${source}`,
        };
      }
    }
  },
};
