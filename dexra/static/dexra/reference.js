/* The reference: Swagger UI on our own description, in the reader's colours. */
"use strict"

const dark = matchMedia("(prefers-color-scheme: dark)")
const followSystem = () => document.documentElement.classList.toggle("dark-mode", dark.matches)
dark.addEventListener("change", followSystem)
followSystem()

const place = document.getElementById("reference")

const OPTIONS = {
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  defaultModelExpandDepth: 3,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null, // nothing is asked of anybody else
  // What is tried here goes to the server that shows this page, whatever name the description gives it.
  requestInterceptor: (request) => {
    const { pathname, search } = new URL(request.url, location.origin)
    request.url = location.origin + pathname + search
    return request
  },
}

function show(description) {
  for (const methods of Object.values(description.paths)) {
    for (const operation of Object.values(methods)) {
      // A summary is plain text to Swagger UI; ours marks names as Markdown does.
      operation.summary = operation.summary?.replaceAll("`", "")
    }
  }
  SwaggerUIBundle({ ...OPTIONS, spec: description, domNode: place })
}

fetch(place.dataset.schema)
  .then((response) => (response.ok ? response.json() : Promise.reject(new Error(`status ${response.status}`))))
  .then(show)
  .catch((error) => { place.textContent = `The description could not be loaded (${error.message}). Try again.` })
