// The anchor of a heading, as GitHub makes it; the site has the same, so that links hold in both.

/** @param {string} heading plain text */
export const slug = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, '')
    .replace(/\s/g, '-')
