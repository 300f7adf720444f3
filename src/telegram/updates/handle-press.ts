import { messageOf } from '../../base/errors.ts'
import type { Messages } from '../bot-api/messages.ts'
import type { OpenChatSettings } from '../chat-settings.ts'
import type { Admission } from '../chats/admission.ts'
import type { ChatPlaces } from '../chats/chat-place.ts'
import type { MovedChats } from '../chats/moved-chats.ts'
import { choiceKeyboard, parseChoiceData } from '../choice-keyboard.ts'
import { closeProgress, parseStop } from '../jobs/progress.ts'
import type { RunJobs } from '../jobs/run-jobs.ts'
import { type NameGrants, parseGrantData } from '../questions/name-grants.ts'
import { parseQuestionData } from '../questions/question-texts.ts'
import type { Questions } from '../questions/questions.ts'
import { hasPressedButton, type Press } from './update.ts'

/** Handles a pressed button. Its data is hostile: a client can send any, for any message, and in any group. */
export function createPressHandler(parts: {
  messages: Messages
  admission: Admission
  places: ChatPlaces
  moved: MovedChats
  chosen: OpenChatSettings
  runJobs: RunJobs
  questions: Questions
  grants: NameGrants | null
}) {
  const { messages, admission, places, moved, chosen, runJobs, questions, grants } = parts

  /** Returns the words that the person sees. */
  async function take(press: Press): Promise<string> {
    const { data, from, message } = press
    if (!message || !admission.admits(message.chat.id, from.id)) return 'not for you'
    const isShown = hasPressedButton(press)
    const place = { chat: message.chat.id, message: message.message_id, user: from.id, isShown }
    const stop = parseStop(data)
    if (stop !== null) {
      if (runJobs.stop(place.chat, stop)) return 'stopping'
      const spot = { chat: place.chat, topic: null }
      if (isShown) void closeProgress(messages, spot, place.message)
      return 'nothing running'
    }
    const question = parseQuestionData(data)
    if (question) return (await questions.press(place, question)) ?? ''
    const grant = parseGrantData(data)
    if (grant) {
      if (!grants || !admission.isAdmin(place.chat, from.id)) return 'only for administrators'
      return grants.press(place, grant)
    }
    const choice = parseChoiceData(data)
    if (!choice) return 'expired'
    const home = moved.homeOf(place.chat)
    await chosen.choose(home, choice.name, choice.value)
    const current = places.rulesOf(home).settings[choice.name]
    const spot = { chat: place.chat, topic: null }
    const buttons = choiceKeyboard(choice.name, current)
    void messages.edit(spot, place.message, `${choice.name}: ${current ?? 'default'}`, buttons)
    return `${choice.name} ${choice.value === null ? 'reset' : 'set'}`
  }

  return async (press: Press): Promise<void> => {
    try {
      await messages.pressed(press.id, await take(press))
    } catch (error) {
      await messages.pressed(press.id, messageOf(error))
    }
  }
}
