// Friendly names for runs and logged models that come without one: adjective-noun-number, as MLflow shapes them.
import { randomInt } from 'node:crypto'

const ADJECTIVES =
  'able agile amber ample apt aware bold brave breezy bright brisk calm candid casual cheery civic classy clean clever cosmic crisp curious daring dapper deft eager early earnest easy elated fair fancy fast fearless festive fine firm fluent fond frank fresh funny gentle gifted glad gleeful golden good grand great handy happy hardy hearty honest humble ideal jolly jovial joyous keen kind lively loyal lucid lucky lunar mellow merry mighty modest neat nimble noble patient peppy plucky polite proud prudent quick quiet rapid rare ready serene sharp shiny silent simple sincere skilled smart snappy solar solid spry stately steady stellar stoic sturdy sunny swift tidy tranquil trusty upbeat valiant vast vivid warm wise witty zesty'.split(
    ' ',
  )

const NOUNS =
  'alpaca ant badger bass bat bear beaver bee bison boar bug calf carp cat chimp cod colt crab crane cricket crow deer dog dolphin donkey dove duck eagle eel elk falcon fawn finch fish flea fly foal fowl fox frog gnat gnu goat goose grouse grub gull hare hawk hen heron hog horse hound ibex jay kite koala koi lamb lark loon lynx mare midge mink mole moose moth mouse mule newt owl ox panda perch pig pike pony pug quail ram rat raven robin roo rook seal shad shark sheep shoat shrew shrike skink skunk sloth smelt snail snake snipe sow sponge squid stag steed stoat stork swan tern toad trout turtle vole wasp whale wolf worm wren yak zebra'.split(
    ' ',
  )

const pick = (words: readonly string[]) => words[randomInt(words.length)] as string

/**
 * A random name of at most 20 characters, not unique.
 * @see mlflow/utils/name_utils.py _generate_random_name
 */
export function randomName(): string {
  for (;;) {
    const name = `${pick(ADJECTIVES)}-${pick(NOUNS)}-${randomInt(1001)}`
    if (name.length <= 20) return name
  }
}
