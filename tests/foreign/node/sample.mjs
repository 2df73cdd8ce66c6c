import { ChatbotClient } from "@zoom/rivet/chatbot";

const bot = new ChatbotClient({
  clientId: process.env.ZOOM_CLIENT_ID,
  clientSecret: process.env.ZOOM_CLIENT_SECRET,
  webhooksSecretToken: process.env.ZOOM_WEBHOOK_SECRET_TOKEN,
  port: Number(process.env.PORT ?? 0),
});

bot.webEventConsumer.onSlashCommand(/^todo /, async ({ payload }) => {
  const { robotJid, accountId, toJid, userJid, cmd } = payload;
  await bot.endpoints.messages.sendChatbotMessage({
    body: {
      robot_jid: robotJid,
      account_id: accountId,
      to_jid: toJid,
      user_jid: userJid,
      content: {
        head: { text: "To do" },
        body: [
          { type: "message", text: cmd.slice("todo ".length) },
          {
            type: "actions",
            items: [{ text: "Done", value: "done", style: "Default" }],
          },
        ],
      },
    },
  });
});

bot.webEventConsumer.onButtonClick("done", async ({ payload }) => {
  const { robotJid, accountId, userJid, messageId, userName } = payload;
  await bot.endpoints.messages.editChatbotMessage({
    path: { message_id: messageId },
    body: {
      robot_jid: robotJid,
      account_id: accountId,
      user_jid: userJid,
      content: {
        head: { text: "Done" },
        body: [{ type: "message", text: `by ${userName}` }],
      },
    },
  });
});

const server = await bot.start();
console.log(`ready ${server.address().port}`);
