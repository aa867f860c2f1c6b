import type { Contract } from '@sotto/contract'
import type { z } from 'zod'
import { demoUsers } from '../setup/demo-users.ts'
import { Random } from './random.ts'
import { linesByLanguage } from './sample-content.ts'

/* The conversations of the small data set. All times are fixed, so that the data is the same on every run. */

type Content = Pick<z.input<Contract['messages']['send']['input']>, 'text' | 'image' | 'video'>

type Username = (typeof demoUsers)[number]['username']

export type Step = { by: Username; afterMs: number } & (
  | { does: 'send'; content: Content }
  | { does: 'read' }
  | { does: 'receive' }
  | { does: 'react'; emoji: string; seq: number | undefined }
  | { does: 'edit'; seq: number; text: string }
  | { does: 'delete'; seq: number }
)

export interface Script {
  between: readonly [Username, Username]
  /** The time of the first step. */
  from: string
  steps: readonly Step[]
}

const MINUTE_MS = 60_000

function say(by: Username, text: string, minutes = 2): Step {
  return { by, afterMs: minutes * MINUTE_MS, does: 'send', content: { text } }
}

function show(by: Username, image: NonNullable<Content['image']>, text?: string, minutes = 2): Step {
  return { by, afterMs: minutes * MINUTE_MS, does: 'send', content: { image, ...(text && { text }) } }
}

function share(by: Username, video: NonNullable<Content['video']>, text?: string, minutes = 2): Step {
  return { by, afterMs: minutes * MINUTE_MS, does: 'send', content: { video, ...(text && { text }) } }
}

/** Marks all messages as read. */
function read(by: Username, minutes = 1): Step {
  return { by, afterMs: minutes * MINUTE_MS, does: 'read' }
}

/** Marks the last message as delivered. */
function receive(by: Username, minutes = 1): Step {
  return { by, afterMs: minutes * MINUTE_MS, does: 'receive' }
}

/** @param seq the message to react to; the last one by default. */
function react(by: Username, emoji: string, seq?: number): Step {
  return { by, afterMs: MINUTE_MS / 2, does: 'react', emoji, seq }
}

function like(by: Username, seq?: number): Step {
  return react(by, '👍', seq)
}

function edit(by: Username, seq: number, text: string): Step {
  return { by, afterMs: MINUTE_MS, does: 'edit', seq, text }
}

function remove(by: Username, seq: number): Step {
  return { by, afterMs: MINUTE_MS, does: 'delete', seq }
}

function picture(id: number, width: number, height: number, alt?: string) {
  return { url: `https://picsum.photos/id/${id}/${width}/${height}`, width, height, ...(alt && { alt }) }
}

const DAY_MS = 24 * 60 * MINUTE_MS

/** Exchanges between two users, every other day. The last one remains unread. */
function everyOtherDay(a: Username, b: Username, language: number, times: number, seed: number): Step[] {
  const random = new Random(seed)
  return Array.from({ length: times }, (_, index): Step[] => {
    const speakers = random.chance(0.5) ? ([a, b] as const) : ([b, a] as const)
    const lines = random.pick(linesByLanguage[language] ?? [])
    const messages = lines.map(({ speaker, text }, lineIndex) => {
      const filled = text
        .replaceAll('{time}', () => `${random.int(8, 20)}:${random.pick(['00', '15', '30'])}`)
        .replaceAll('{n}', () => String(random.int(2, 40)))
      const pauseMs =
        lineIndex === 0 && index > 0 ? 1.5 * DAY_MS + random.int(0, DAY_MS) : random.int(20_000, 240_000)
      return { by: speakers[speaker], afterMs: pauseMs, does: 'send' as const, content: { text: filled } }
    })
    return index === times - 1 ? messages : [...messages, read(a), read(b)]
  }).flat()
}

export const scripts: readonly Script[] = [
  {
    between: ['amira', 'jonas'],
    from: '2025-09-01T07:58:00.000Z',
    steps: [
      say('amira', 'Morning Jonas! Welcome to Sotto 👋', 0),
      read('jonas', 6),
      say('jonas', 'Guten Morgen! So this is really our own server?'),
      read('amira'),
      say('amira', 'Yes. It runs on the small box under my desk, nobody else reads along.'),
      say('amira', 'I will send the others their invitations today'),
      react('jonas', '🎉', 3),
      read('jonas'),
      say('jonas', 'Great. Can I send pictures too?', 4),
      say('amira', 'Pictures, videos, everything. Try!', 1),
      show(
        'jonas',
        picture(1015, 1200, 800, 'A river in a green valley, seen from above'),
        'From the weekend',
        3,
      ),
      read('amira'),
      react('amira', '❤️'),
      say('amira', 'Wow! Where is that?', 1),
      read('jonas'),
      say('jonas', 'Near Bad Schanadu', 2),
      edit('jonas', 9, 'Near Bad Schandau'),
      say('jonas', 'We should all go there in spring', 1),
      like('amira'),
      read('amira'),
    ],
  },
  {
    between: ['priya', 'tom.baker'],
    from: '2025-09-03T08:30:00.000Z',
    steps: everyOtherDay('priya', 'tom.baker', 0, 30, 7),
  },
  {
    between: ['amira', 'sofia'],
    from: '2025-09-04T16:05:00.000Z',
    steps: everyOtherDay('amira', 'sofia', 2, 12, 11),
  },
  {
    between: ['noam', 'amira'],
    from: '2025-09-05T09:20:00.000Z',
    steps: [
      say('noam', 'שלום אמירה! ההזמנה הגיעה, תודה', 0),
      read('amira', 10),
      say('amira', 'مرحبا نوعم! אפשר לכתוב כאן בכל שפה 😊'),
      read('noam'),
      say('noam', 'مدهش! حتى العربية والعبرية في نفس الرسالة: שלום / سلام', 5),
      react('amira', '🕊️'),
      say('noam', 'ומה עם מספרים? הפגישה ב-14:30, חדר 3B', 1),
      read('amira'),
      say('amira', 'עובד מצוין 👌'),
      read('noam', 40),
    ],
  },
  {
    between: ['mei', 'hana'],
    from: '2025-09-08T03:12:00.000Z',
    steps: [
      say('mei', '花さん、こんにちは!新しいアドレスです。', 0),
      read('hana', 15),
      say('hana', '美さん!見つけてくれてありがとう🌸'),
      say('hana', '来週の展覧会、一緒に行きませんか?'),
      read('mei'),
      say('mei', 'ぜひ!土曜日の10時はどうですか'),
      like('hana'),
      show('hana', picture(1025, 1024, 768, '毛布にくるまった犬'), 'うちの子も楽しみにしてます', 3),
      read('mei'),
      react('mei', '😂'),
      react('mei', '❤️'),
      say('mei', 'かわいすぎる'),
      read('hana'),
    ],
  },
  {
    between: ['lucas', 'sofia'],
    from: '2025-09-10T19:40:00.000Z',
    steps: [
      say('lucas', 'Tu as entendu leur nouvel album ?', 0),
      share(
        'lucas',
        { url: 'https://www.vevo.com/watch/stromae/sante/FRUM72100251', durationSeconds: 214 },
        'Celle-ci surtout',
        1,
      ),
      read('sofia', 25),
      react('sofia', '🔥'),
      say('sofia', "¡Me encanta! Je l'écoute en boucle depuis ce matin", 6),
      share('sofia', {
        url: 'https://www.youtube.com/watch?v=aqz-KE-bpKQ',
        durationSeconds: 635,
        width: 3840,
        height: 2160,
      }),
      say('sofia', 'Pour les enfants 🐰', 1),
      read('lucas'),
      like('lucas', 4),
      say('lucas', 'Ils vont adorer, merci !'),
    ],
  },
  {
    between: ['olena', 'amira'],
    from: '2025-09-12T06:45:00.000Z',
    steps: [
      say('olena', 'Доброго ранку! Чи можна тут видалити повідомлення?', 0),
      read('amira', 30),
      say('amira', 'Так. It leaves a note that something was there, but not what.'),
      read('olena'),
      say('olena', 'Мій новий номер: 555-0100', 2),
      remove('olena', 3),
      say('olena', 'Справді зникло 👍', 1),
      read('amira'),
      like('amira'),
    ],
  },
  {
    between: ['kofi', 'priya'],
    from: '2025-09-15T10:10:00.000Z',
    steps: [
      say('kofi', 'Priya, do you have the plan of the new kitchen?', 0),
      show('priya', picture(1060, 1600, 1067, 'A bright café kitchen with a long counter'), undefined, 12),
      say('priya', 'Version 3. The sink moved to the window.'),
      read('kofi'),
      say('kofi', 'Much better. What about the light above the table?'),
      read('priya'),
      say(
        'priya',
        'I have asked two electricians. One can come on Tuesday and wants to see the old wiring first; the other gave me a price without looking, which I do not trust. So I would wait for Tuesday, and decide about the lamps when we know where the cables can go. Is that all right with you?',
        9,
      ),
      read('kofi', 3),
      say('kofi', 'Perfect, Tuesday it is'),
      like('priya'),
      read('priya'),
      say('kofi', 'I will bring the cake 🍰', 180),
      receive('priya', 4),
    ],
  },
  {
    between: ['jonas', 'jonas'],
    from: '2025-09-16T20:00:00.000Z',
    steps: [
      say('jonas', 'Milch, Brot, Glühbirne E27', 0),
      say('jonas', 'Idee: Fotobuch für Mamas 70.', 1440),
      say('jonas', 'Fahrradschloss-Code steht im Tresor', 300),
      edit('jonas', 1, 'Milch, Brot, Glühbirne E27, Kaffee'),
    ],
  },
  {
    between: ['mei', 'mei'],
    from: '2025-09-18T12:30:00.000Z',
    steps: [
      say('mei', '读书单:《边城》《活着》', 0),
      show('mei', picture(24, 1200, 800, '一本打开的书'), '第48页'),
    ],
  },
  {
    between: ['lucas', 'amira'],
    from: '2025-09-20T17:00:00.000Z',
    steps: everyOtherDay('lucas', 'amira', 3, 8, 13),
  },
  {
    between: ['olena', 'kofi'],
    from: '2025-09-22T07:15:00.000Z',
    steps: everyOtherDay('olena', 'kofi', 0, 6, 17),
  },
  {
    between: ['hana', 'amira'],
    from: '2025-09-24T05:00:00.000Z',
    steps: [
      say('hana', 'Hi Amira, does the search find 日本語 too?', 0),
      read('amira', 60),
      say('amira', 'Names yes, try "佐藤"'),
      read('hana', 9),
      react('hana', '🙏'),
    ],
  },
  {
    between: ['tom.baker', 'amira'],
    from: '2025-09-26T13:00:00.000Z',
    steps: [
      say('tom.baker', 'Backup ran through, 214 MB', 0),
      like('amira'),
      say('tom.baker', 'Backup ran through, 215 MB', 1440),
      say('tom.baker', 'Backup FAILED: disk full', 1440),
      read('amira', 20),
      react('amira', '😮'),
      say('amira', 'Looking at it'),
      say('amira', 'Old logs. Cleaned up, try again?', 25),
      read('tom.baker', 2),
      say('tom.baker', 'Backup ran through, 215 MB 🙏', 15),
      read('amira'),
    ],
  },
  {
    between: ['priya', 'amira'],
    from: '2025-09-28T11:00:00.000Z',
    steps: everyOtherDay('priya', 'amira', 9, 4, 19),
  },
  {
    between: ['sofia', 'kofi'],
    from: '2025-10-02T18:20:00.000Z',
    steps: [
      share(
        'sofia',
        { url: 'https://vimeo.com/1084537', durationSeconds: 596, width: 1280, height: 720 },
        'Our film club starts with this one. Friday 20:00?',
        0,
      ),
      receive('kofi', 2),
    ],
  },
  {
    between: ['noam', 'lucas'],
    from: '2025-10-05T08:00:00.000Z',
    steps: [
      say('noam', 'Salut Lucas, does your train arrive at 9:40 or 10:40?', 0),
      read('lucas', 3),
      say('lucas', '10:40, quai 7'),
      say('lucas', 'Désolé pour le retard !', 1),
      read('noam'),
      like('noam', 2),
    ],
  },
  {
    between: ['hana', 'olena'],
    from: '2025-10-08T14:00:00.000Z',
    steps: [
      say('hana', '👋🏽', 0),
      say('olena', '👩‍👩‍👧‍👦🌻🇺🇦', 3),
      react('hana', '💛'),
      react('hana', '💙'),
      read('hana'),
    ],
  },
  {
    between: ['mei', 'amira'],
    from: '2025-10-10T09:30:00.000Z',
    steps: everyOtherDay('mei', 'amira', 8, 5, 23),
  },
  {
    between: ['tom.baker', 'jonas'],
    from: '2025-10-14T15:45:00.000Z',
    steps: [
      say('tom.baker', 'Are you coming on Thursday?', 0),
      say('tom.baker', 'Jonas?', 1200),
      say('tom.baker', 'I will just put you on the list 😄', 1500),
    ],
  },
]

/** The last change, and its time. It marks the data set as complete. */
export const completedAt = '2025-12-01T12:00:00.000Z'
export const lastChange = { user: demoUsers[0].username, avatarUrl: 'https://picsum.photos/id/64/256/256' }
/** When all users were created. */
export const joinedAt = '2025-08-31T18:00:00.000Z'
