import type { TakePiece } from './legs.ts'

/** Writes the pieces of an answer in the form of one protocol. */
export type PieceWriters = {
  text: (text: string) => Promise<void>
  call: (index: number, call: { id: string; name: string }) => Promise<void>
  /** A part of the JSON of a call. */
  input: (index: number, text: string) => Promise<void>
}

/**
 * Passes each piece of an answer to its writer.
 *
 * @param isWhole leaves out the text, which goes out in one piece when the run has ended
 */
export function takePieces(writers: PieceWriters, { isWhole }: { isWhole: boolean }): TakePiece {
  return async piece => {
    switch (piece.kind) {
      case 'text':
        return isWhole ? undefined : writers.text(piece.text)
      case 'call':
        return writers.call(piece.index, { id: piece.id, name: piece.name })
      case 'arguments':
        return writers.input(piece.index, piece.text)
      default:
        return piece satisfies never
    }
  }
}
