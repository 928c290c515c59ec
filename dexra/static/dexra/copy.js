/* Copies what a button names: data-copies is the id of an element. */
"use strict"

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copies]")
  if (!button) return
  const source = document.getElementById(button.dataset.copies)
  const said = button.textContent
  try {
    await navigator.clipboard.writeText(source.textContent)
    button.textContent = "Copied"
  } catch {
    // Without https there is no clipboard: the text is selected instead.
    getSelection().selectAllChildren(source)
    button.textContent = "Press Ctrl+C"
  }
  setTimeout(() => { button.textContent = said }, 1600)
})
