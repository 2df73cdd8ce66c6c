// Zoom's own SDK: it verifies and dispatches in memory. Its one command does nothing, or replies.

import axios from "../tests/foreign/node/node_modules/axios/index.js";
import { ChatbotClient } from "../tests/foreign/node/node_modules/@zoom/rivet/chatbot/chatbot.mjs";

const [port, webhooksSecretToken, zoom, reply] = process.argv.slice(2);

const bot = new ChatbotClient({
  clientId: "bench-client",
  clientSecret: "bench-client-secret-1",
  webhooksSecretToken,
  port: Number(port),
});

if (zoom) {
  // Its addresses are fixed: they are led to the Zoom of the bench on their way out.
  axios.interceptors.request.use((config) => {
    const { pathname } = new URL(axios.getUri(config));
    return { ...config, baseURL: undefined, url: zoom + pathname };
  });
  bot.webEventConsumer.onSlashCommand(/^note /u, ({ say }) => say(reply));
} else {
  bot.webEventConsumer.event("bot_notification", () => {});
}

await bot.start();
