import { FitAddon } from '@xterm/addon-fit'
import { type ITheme, Terminal } from '@xterm/xterm'
import type { StackView, TerminalEnd } from '../messages.ts'
import { createAttention } from './attention.ts'
import { type Connection, keepOpen } from './connection.ts'
import { el } from './dom.ts'
import { pasteable } from './pasteable.ts'
import { fillText, type Texts } from './texts.ts'

export type Pane = { element: HTMLElement; focus: () => void; refit: () => void; close: () => void }

type PaneOptions = {
  connection: Connection
  texts: Texts
  /** Shows a sentence to the user. */
  say: (text: string) => void
  waits: () => void
  focused: () => void
  closed: () => void
}

const light: ITheme = {
  background: '#ffffff',
  foreground: '#1c2128',
  cursor: '#1c2128',
  selectionBackground: '#b6d3ff',
}
const dark: ITheme = {
  background: '#14171c',
  foreground: '#dde3ea',
  cursor: '#dde3ea',
  selectionBackground: '#34507c',
}
const isDark = matchMedia('(prefers-color-scheme: dark)')

/** Lines above the screen. They are the browser's memory. */
const scrollback = 5_000
/** Bytes of one message; a pasted file is many. */
const chunkBytes = 64 * 1024

/** Opens the session of a stack in a terminal, which is attached again when its connection breaks. */
export function openPane(stack: StackView, options: PaneOptions): Pane {
  const { texts, say } = options
  const terminal = new Terminal({
    scrollback,
    fontSize: 14,
    fontFamily: 'ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace',
    theme: isDark.matches ? dark : light,
    screenReaderMode: false,
    // A link is the agent's: it is shown, and never followed.
    linkHandler: {
      activate: (_event, address) => say(fillText(texts.link, address.slice(0, 500))),
    },
  })
  // tmux passes none of these on. Title, clipboard and notifications stay closed without it too.
  for (const code of [0, 1, 2, 7, 9, 52, 99, 777, 1337]) {
    terminal.parser.registerOscHandler(code, () => true)
  }
  const fit = new FitAddon()
  terminal.loadAddon(fit)
  const screen = el('div', { class: 'screen' })
  const over = el('div', { class: 'over', role: 'status', hidden: true })
  const name = stack.session ?? stack.folder
  const attention = createAttention(options.waits)
  let socket: WebSocket | null = null
  let stop = () => {}

  const copy = () => {
    const text = terminal.getSelection()
    if (text === '') return
    navigator.clipboard.writeText(text).then(
      () => say(texts.copied),
      () => document.execCommand('copy'),
    )
  }
  const paste = () => {
    navigator.clipboard.readText().then(
      text => terminal.paste(pasteable(text)),
      () => say(texts.cannotPaste),
    )
    terminal.focus()
  }
  const element = el(
    'section',
    { class: 'pane', 'aria-label': name, 'data-stack': stack.stack },
    el(
      'header',
      {},
      el('h2', { title: stack.folder }, name),
      el('button', { type: 'button', click: copy }, texts.copy),
      el('button', { type: 'button', click: paste }, texts.paste),
      el(
        'button',
        { type: 'button', 'aria-label': `${texts.close}: ${name}`, click: () => options.closed() },
        '×',
      ),
    ),
    screen,
    over,
  )
  const show = (text: string, notices: readonly string[] = [], again = false) => {
    over.hidden = text === ''
    over.replaceChildren(
      el('p', {}, text),
      ...notices.map(notice => el('p', { class: 'notice' }, notice)),
      ...(again ? [el('button', { type: 'button', click: attach }, texts.openAgain)] : []),
    )
  }
  const ended = ({ status, error, notices }: TerminalEnd) => {
    const left = status === 0 || status === null
    show(error ?? (left ? texts.ended : fillText(texts.exited, status ?? '')), notices, true)
  }
  const attach = () => {
    stop()
    show(texts.connecting)
    terminal.reset()
    refit()
    let isOver = false
    stop = keepOpen(
      () => {
        const { cols, rows } = terminal
        const query = new URLSearchParams({
          stack: stack.stack,
          columns: `${cols}`,
          rows: `${rows}`,
        })
        return options.connection.open(`/terminal?${query}`)
      },
      {
        opened(opened) {
          socket = opened
          // tmux draws the whole screen.
          terminal.reset()
          show('')
          resize()
        },
        message({ data }) {
          if (typeof data === 'string') {
            isOver = true
            return ended(JSON.parse(data) as TerminalEnd)
          }
          attention.output()
          terminal.write(new Uint8Array(data as ArrayBuffer))
        },
        closed() {
          socket = null
          attention.stop()
          if (!isOver) show(texts.lost)
          return !isOver
        },
      },
    )
  }
  const send = (bytes: Uint8Array<ArrayBuffer>) => {
    attention.typed()
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      socket?.send(bytes.subarray(at, at + chunkBytes))
    }
  }
  const resize = () => {
    if (socket?.readyState !== WebSocket.OPEN) return
    socket.send(JSON.stringify({ columns: terminal.cols, rows: terminal.rows }))
  }
  const refit = () => {
    // A hidden terminal has no size.
    if (screen.clientWidth > 0 && screen.clientHeight > 0) fit.fit()
  }
  const encoder = new TextEncoder()
  terminal.onData(data => send(encoder.encode(data)))
  terminal.onBinary(data => send(Uint8Array.from(data, character => character.charCodeAt(0))))
  terminal.onResize(resize)
  terminal.onBell(attention.bell)
  terminal.attachCustomKeyEventHandler(event => {
    if (event.key === 'F6') return false
    const ctrl = event.ctrlKey && !event.altKey && !event.metaKey
    // The browser pastes, and xterm.js marks it as pasted.
    if (ctrl && event.key.toLowerCase() === 'v') return false
    const copies = ctrl && /^(c|insert)$/i.test(event.key) && terminal.hasSelection()
    if (!copies) return true
    if (event.type === 'keydown') {
      copy()
      terminal.clearSelection()
      event.preventDefault()
    }
    return false
  })
  const recolour = () => {
    terminal.options.theme = isDark.matches ? dark : light
  }
  isDark.addEventListener('change', recolour)
  // Before xterm.js, which pastes a text as it is.
  screen.addEventListener(
    'paste',
    event => {
      event.preventDefault()
      event.stopPropagation()
      terminal.paste(pasteable(event.clipboardData?.getData('text/plain') ?? ''))
    },
    { capture: true },
  )
  const observer = new ResizeObserver(refit)
  element.addEventListener('focusin', options.focused)
  // It measures its characters, so it must be in the page first.
  requestAnimationFrame(() => {
    terminal.open(screen)
    observer.observe(screen)
    attach()
    terminal.focus()
  })
  return {
    element,
    focus: () => terminal.focus(),
    refit,
    close() {
      stop()
      attention.stop()
      observer.disconnect()
      isDark.removeEventListener('change', recolour)
      terminal.dispose()
      element.remove()
    },
  }
}
