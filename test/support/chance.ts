// How often tests of chance are tried: enough to see a fault of every kind with each change, many times more at night.

/** `npm run test:chance` sets it. */
const isNight = Boolean(process.env.TEST_CHANCE)

/** @param byDay in `npm test` @param atNight in `npm run test:chance` */
export const tries = (byDay: number, atNight: number): number => (isNight ? atNight : byDay)
