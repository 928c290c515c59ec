/** One file on its way to the server. */

import { DexraError, toDexraError } from "./errors"
import { readAnswer } from "./http"
import type { Attachment } from "./types"

/** Without a byte for so long, an upload is given up. */
const STALLED = 30_000

export interface Upload {
  done: Promise<Attachment>
  abort(): void
}

/** XMLHttpRequest, because fetch cannot say how far it is. */
export function upload(url: string, token: string, file: File, tell: (progress: number) => void): Upload {
  const request = new XMLHttpRequest()
  let timer: ReturnType<typeof setTimeout>
  const watch = () => {
    clearTimeout(timer)
    timer = setTimeout(() => request.abort(), STALLED)
  }
  const done = new Promise<Attachment>((resolve, reject) => {
    const fail = () => reject(new DexraError("network", "No connection"))
    request.onerror = request.onabort = fail
    request.upload.onprogress = (event) => {
      watch()
      if (event.lengthComputable) tell(event.loaded / event.total)
    }
    request.onload = () => {
      try {
        resolve(readAnswer(request.status, request.responseText, (name) => request.getResponseHeader(name)))
      } catch (error) {
        reject(toDexraError(error))
      }
    }
    const form = new FormData()
    form.append("file", file, file.name)
    request.open("POST", url)
    request.setRequestHeader("Authorization", "Bearer " + token)
    watch()
    request.send(form)
  }).finally(() => clearTimeout(timer))
  return { done, abort: () => request.abort() }
}
