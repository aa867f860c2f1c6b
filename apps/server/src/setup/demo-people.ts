import { people } from '../seed/small-world.ts'

/** The two who are shown side by side: a conversation of the small world is theirs. */
export const demoPeople = [people[0].username, people[1].username] as const
