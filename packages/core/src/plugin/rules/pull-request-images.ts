import { assignImages } from '../images.ts';
import type { ChangeRule } from '../rule.ts';

export const pullRequestImages: ChangeRule = {
  id: 'pull-request-images',
  level: 'error',
  description:
    'Each image that is listed as pushed is `<source>/<prefix><plugin>[-<part>]:<tag>` of a plugin that is released, and the list holds the image of spec.service.image.',
  judges: 'change',
  *judge(subject) {
    yield* assignImages(subject).drafts;
  },
};
