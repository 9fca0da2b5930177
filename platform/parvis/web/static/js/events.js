// Reads text/event-stream from a fetch response. Comments (": ...") only keep the line open.

/**
 * @param {ReadableStream<Uint8Array>} body
 * @param {(name: string, data: any) => void} take called for each event, in order
 */
export async function readEvents(body, take) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const parts = rest.split("\n\n");
    rest = parts.pop() ?? "";
    for (const part of parts) dispatch(part, take);
  }
}

/** @param {string} part @param {(name: string, data: any) => void} take */
function dispatch(part, take) {
  let name = "message";
  const data = [];
  for (const line of part.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    else if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  if (data.length) take(name, JSON.parse(data.join("\n")));
}
