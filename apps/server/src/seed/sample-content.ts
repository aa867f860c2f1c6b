/*
 * Short exchanges between two users. The speaker changes with each line, except for lines that start with +.
 * {time} and {n} are placeholders.
 */

type Exchange = readonly [string, ...string[]]

const english: readonly Exchange[] = [
  ['Morning! Are you in today?', 'Yes, from {time}', '+Coffee before the meeting?', 'Always ☕️'],
  ['Did you see the numbers?', 'Just now. {n} % up, not bad', '+Sending you the sheet later', 'Thanks!'],
  ['Running {n} minutes late, sorry', 'No worries', '+I will get us a table', 'You are the best'],
  ['Can you take a look at the draft?', 'On it', 'No hurry, tomorrow is fine', '+Page {n} is the tricky one'],
  ['Train is at {time}, platform {n}', 'Got it, see you there', '🚆'],
  ['How did it go?', 'Better than I feared', '+They want a second round in {n} days', 'Knew it! Congrats 🎉'],
  ['Did you water the plants?', 'Of course', '+All {n} of them are alive', 'I am impressed'],
  [
    'Are we still on for tonight?',
    'Yes! {time} at ours',
    '+Bring nothing but yourself',
    'I am bringing dessert anyway',
  ],
  [
    'The key is under the blue pot',
    'Found it, thank you!',
    '+Where is the stopcock?',
    'Behind the washing machine',
  ],
  [
    'I have thought about what you said yesterday, and I think you are right: we should write it down first, let everybody read it in their own time, and only then sit together. It costs us {n} days and saves us weeks.',
    'That is what I hoped you would say',
    '+Shall I start the document?',
    'Please do. I can add the history of it.',
  ],
  [
    'Happy birthday!! 🎂',
    'Thank you 😊',
    '+{n} already, can you believe it?',
    'You do not look a day over {n}',
  ],
  ['What is the wifi password again?', 'On the fridge', '+The guest one', 'Works, thanks'],
  ['Call you at {time}?', 'Make it {time}', '👍'],
  ['I cannot find the invoice for March', 'Number {n}, folder "paid"', 'You are a lifesaver'],
]

const others: readonly (readonly Exchange[])[] = [
  [
    ['Moin! Bist du heute im Büro?', 'Ja, ab {time}', 'Mittag zusammen?', 'Gern 🍜'],
    [
      'Hast du die Unterlagen bekommen?',
      'Ja, Seite {n} fehlt noch',
      '+Kannst du sie nachreichen?',
      'Mach ich gleich',
    ],
    ['Der Zug hat {n} Minuten Verspätung', 'Wie immer 🙄', 'Ich melde mich, wenn ich da bin'],
    ['Schönes Wochenende!', 'Dir auch, erhol dich gut'],
  ],
  [
    ['¿Vienes a cenar esta noche?', 'Sí, llego a las {time}', '+¿Llevo vino?', '¡Perfecto! 🍷'],
    ['¿Cómo está la abuela?', 'Mucho mejor, gracias', '+Mañana le dan el alta', 'Qué alegría ❤️'],
    ['Faltan {n} días para las vacaciones', '¡No puedo esperar! 🏖️'],
    ['¿Has visto el partido?', 'No me hables del partido…', 'Jajaja'],
  ],
  [
    ['Tu es où ?', "J'arrive dans {n} minutes", "D'accord, je commande pour toi"],
    ['On se voit à {time} ?', 'Parfait, à tout à l’heure', '😘'],
    ['Tu peux relire mon texte ?', 'Bien sûr, envoie', '+Je te réponds ce soir', 'Merci beaucoup !'],
  ],
  [
    ['Oi, tudo bem?', 'Tudo! E você?', 'Correria, mas bem', '+Almoço às {time}?', 'Fechado 🙌'],
    ['Chegou a encomenda', 'Já? Que rápido', '+Depois passo aí para buscar'],
  ],
  [
    ['صباح الخير', 'صباح النور، كيف حالك؟', 'الحمد لله بخير', '+هل نلتقي الساعة {time}؟', 'إن شاء الله 🌷'],
    ['وصلت الصور، شكرا جزيلا', 'عفوا! أجمل صورة رقم {n}', '😍'],
    ['هل أكلت؟', 'ليس بعد، أنا في العمل'],
  ],
  [
    ['בוקר טוב! מה שלומך?', 'הכול טוב, ואצלך?', 'מצוין', '+ניפגש ב-{time}?', 'סגור 👌'],
    ['קנית חלב?', 'כן, וגם לחם', 'תודה רבה ❤️'],
  ],
  [
    ['おはよう!今日は何時に来る?', '{time}ごろに着くと思う', '了解です🙆', '+駅で待ってるね'],
    ['写真ありがとう!', 'どういたしまして', '+{n}枚目がお気に入り', '私も😊'],
    ['お疲れさま', 'お疲れさまでした'],
  ],
  [
    ['吃饭了吗?', '还没,你呢?', '一起吃火锅吧,{time}怎么样?', '好呀😋'],
    ['文件收到了吗?', '收到了,第{n}页有个问题', '+我下午打电话给你', '好的'],
  ],
  [
    ['नमस्ते! कैसे हो?', 'सब बढ़िया, तुम बताओ', 'आज शाम {time} बजे मिलें?', 'ज़रूर 😊'],
    ['खाना खा लिया?', 'हाँ, अभी अभी'],
  ],
  [
    ['Привіт! Як справи?', 'Добре, дякую 🌻', '+Ти вже вдома?', 'Буду о {time}'],
    ['Надішли, будь ласка, адресу', 'Вулиця Садова, {n}', 'Дякую!'],
  ],
  [
    ['Günaydın! Toplantı kaçta?', 'Saat {time}', '+Geç kalma 😄', 'Söz!'],
    ['Anahtarı unuttum', 'Ben {n} dakikaya evdeyim', 'Bekliyorum'],
  ],
]

/** By language, English first. */
const exchanges: readonly (readonly Exchange[])[] = [english, ...others]

export interface Line {
  /** 0 for the user who starts the exchange. */
  speaker: 0 | 1
  text: string
}

/** The lines of each exchange, with placeholders. */
export const linesByLanguage: readonly (readonly (readonly Line[])[])[] = exchanges.map((language) =>
  language.map(toLines),
)

function toLines(exchange: Exchange): Line[] {
  let speaker: 0 | 1 = 1
  return exchange.map((line) => {
    const isSameSpeaker = line.startsWith('+')
    if (!isSameSpeaker) speaker = speaker === 0 ? 1 : 0
    return { speaker, text: isSameSpeaker ? line.slice(1) : line }
  })
}

export const altTexts = [
  'The harbour at dusk',
  'Two cups of coffee on a wooden table',
  'A mountain lake below snowy peaks',
  'A dog asleep on a sofa',
  'Rows of books in a shop window',
  'قارب صغير في البحر',
  'Ein Waldweg im Herbst',
  '窓から見た街',
] as const

export const videos = [
  { url: 'https://www.youtube.com/watch?v=aqz-KE-bpKQ', durationSeconds: 635, width: 3840, height: 2160 },
  { url: 'https://youtu.be/eRsGyueVLvQ', durationSeconds: 888, width: 1920, height: 818 },
  { url: 'https://vimeo.com/1084537', durationSeconds: 596, width: 1280, height: 720 },
  {
    url: 'https://www.vevo.com/watch/rick-astley/never-gonna-give-you-up/GBARL9300135',
    durationSeconds: 213,
  },
] as const

export const emojis = ['👍', '👍', '👍', '❤️', '😂', '🎉', '😮', '🙏', '🔥'] as const
