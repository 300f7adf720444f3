import type { Texts } from './texts.ts'

/** Two tones, in hertz and seconds. */
const tones = [
  { frequency: 660, at: 0 },
  { frequency: 880, at: 0.16 },
] as const
const toneSeconds = 0.14

/**
 * Notifies the user by a mark in the title, and once it is switched on by a tone and the browser's notification.
 * Both need a click first: browsers allow neither to a page that was only opened.
 */
export function createNotifier(texts: Texts, say: (text: string) => void) {
  let audio: AudioContext | null = null
  const title = document.title
  const unmark = () => {
    document.title = title
  }
  addEventListener('focus', unmark)

  return {
    isOn: () => audio !== null,
    async toggle() {
      if (audio) {
        await audio.close()
        audio = null
        return
      }
      audio = new AudioContext()
      const permission =
        'Notification' in window ? await Notification.requestPermission() : 'denied'
      if (permission !== 'granted') say(texts.notifyDenied)
    },
    notify(text: string) {
      say(text)
      if (!document.hasFocus()) document.title = `● ${text}`
      if (!audio) return
      play(audio)
      if (
        !document.hasFocus() &&
        'Notification' in window &&
        Notification.permission === 'granted'
      ) {
        new Notification('claude-secure', { body: text, tag: 'claude-secure' })
      }
    },
  }
}

function play(audio: AudioContext) {
  for (const { frequency, at } of tones) {
    const oscillator = new OscillatorNode(audio, { frequency })
    const gain = new GainNode(audio, { gain: 0.1 })
    oscillator.connect(gain).connect(audio.destination)
    oscillator.start(audio.currentTime + at)
    oscillator.stop(audio.currentTime + at + toneSeconds)
  }
}
