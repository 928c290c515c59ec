/** The few signs, drawn on 24 by 24 in the colour of the text. */

const PATHS = {
  chat: "M21 11.5a8.5 8.5 0 0 1-12.6 7.4L3 20.5l1.7-5.1A8.5 8.5 0 1 1 21 11.5z",
  close: "M6 6l12 12M18 6L6 18",
  back: "M14.5 5.5L8 12l6.5 6.5",
  add: "M12 5v14M5 12h14",
  down: "M6 9.5l6 6 6-6",
  send: "M12 19V5M6 11l6-6 6 6",
  clip: "M20 11.5l-8 8a5 5 0 0 1-7-7l8.5-8.5a3.3 3.3 0 0 1 4.7 4.7l-8.5 8.5a1.7 1.7 0 0 1-2.4-2.4L15 7",
  file: "M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8zM14 3v5h5",
  pin: "M12 21s7-6.3 7-11.5a7 7 0 0 0-14 0C5 14.7 12 21 12 21zM12 12a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5a7.5 7.5 0 0 1 15 0",
  clock: "M12 7v5l3 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  sent: "M5 12.5l4.5 4.5L19 7.5",
  seen: "M2 12.5l4.5 4.5L15 8M11.5 15.5L13 17l9-9.5",
  alert: "M12 8v5M12 16.2v.100M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
}

/** Five moods: how the mouth bends, from sad to glad. */
const MOUTHS = [
  "16.5c1-4.5 7-4.5 8 0z",
  "15.5c1.5-2 6.5-2 8 0",
  "14.5h8",
  "14c1.5 2 6.5 2 8 0",
  "13.5c1 4.5 7 4.5 8 0z",
]

export function Face({ mood }: { mood: number }) {
  return <Drawing path={`M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9 9.2v.6M15 9.2v.6M8 ${MOUTHS[mood]}`} />
}

export type IconName = keyof typeof PATHS

export function Icon({ name, className }: { name: IconName; className?: string }) {
  return <Drawing path={PATHS[name]} className={className} />
}

function Drawing({ path, className }: { path: string; className?: string }) {
  return (
    <svg
      className={className}
      viewBox="0 0 24 24"
      width="20"
      height="20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={path} />
    </svg>
  )
}
