import type { UsageView } from '../messages.ts'
import { el, fill } from './dom.ts'
import type { Texts } from './texts.ts'

/** What the stack used today and in the last days, by model. */
export function createUsageView(texts: Texts) {
  const element = el('div', { class: 'usage' }, el('p', { class: 'empty' }, texts.noUsage))
  return {
    element,
    show(usage: UsageView | null) {
      if (!usage || usage.total.requests === 0) {
        return fill(element, [el('p', { class: 'empty' }, texts.noUsage)])
      }
      const { today, total, models } = usage
      return fill(element, [
        el(
          'dl',
          {},
          el('dt', {}, texts.today),
          el('dd', {}, dollars(today.estimatedUsd)),
          ...(today.leftUsd === null
            ? []
            : [el('dt', {}, texts.budget), el('dd', {}, dollars(today.leftUsd))]),
          el('dt', {}, texts.week),
          el('dd', {}, dollars(total.estimatedUsd)),
        ),
        el(
          'table',
          {},
          el(
            'thead',
            {},
            row('th', [texts.model, texts.requests, texts.input, texts.output, texts.cost]),
          ),
          el(
            'tbody',
            {},
            ...models.map(({ model, ...sums }) =>
              row('td', [
                model,
                sums.requests.toLocaleString(),
                (
                  sums.input +
                  sums.cacheRead +
                  sums.cacheWrite5m +
                  sums.cacheWrite1h
                ).toLocaleString(),
                sums.output.toLocaleString(),
                dollars(sums.estimatedUsd),
              ]),
            ),
          ),
        ),
      ])
    },
  }
}

function row(tag: 'td' | 'th', cells: readonly string[]) {
  return el('tr', {}, ...cells.map(text => el(tag, {}, text)))
}

function dollars(value: number) {
  return `$${value.toFixed(value < 1 ? 4 : 2)}`
}
