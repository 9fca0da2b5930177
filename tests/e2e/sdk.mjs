// What an agency's JavaScript developer writes, with the official SDK. Prints one JSON object.
import OpenAI from "openai";

const { baseURL, apiKey, model, wrongModel } = JSON.parse(process.argv[2]);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "What are the opening hours of the town hall?" }];

const models = [];
for await (const one of client.models.list()) models.push(one.id);

const whole = await client.chat.completions.create({ model, messages });

let text = "";
let finish = null;
let usage = null;
const stream = await client.chat.completions.create({
  model, messages, stream: true, stream_options: { include_usage: true },
});
for await (const chunk of stream) {
  text += chunk.choices[0]?.delta?.content ?? "";
  finish = chunk.choices[0]?.finish_reason ?? finish;
  usage = chunk.usage ?? usage;
}

const { response } = await client.chat.completions.create({ model, messages }).withResponse();

const question = messages[0].content;
const answered = await client.responses.create({ model, input: question });
const events = [];
let streamed = "";
let final = "";
for await (const event of await client.responses.create({ model, input: question, stream: true })) {
  events.push(event.type);
  if (event.type === "response.output_text.delta") streamed += event.delta;
  if (event.type === "response.completed") final = event.response.output[0].content[0].text;
}
const vectors = await client.embeddings.create({ model, input: question });

let refused = null;
try {
  await client.chat.completions.create({ model: wrongModel, messages });
} catch (error) {
  refused = { name: error.constructor.name, status: error.status, code: error.code };
}

let invalid = null;
try {
  await client.chat.completions.create({ model, messages: [] });
} catch (error) {
  invalid = { name: error.constructor.name, status: error.status, param: error.param };
}

let unauthorised = null;
try {
  await new OpenAI({ baseURL, apiKey: "nonsense", maxRetries: 0 }).models.list();
} catch (error) {
  unauthorised = { name: error.constructor.name, status: error.status };
}

console.log(JSON.stringify({
  models, answer: whole.choices[0].message.content, notice: whole.parvis.notice,
  text, finish, usage, receipt: response.headers.get("x-audit-receipt"),
  response: { text: answered.output_text, final, streamed, events },
  dimensions: vectors.data[0].embedding.length,
  refused, invalid, unauthorised,
}));
