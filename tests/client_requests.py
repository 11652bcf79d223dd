"""What apps send to a server of OpenAI's interface, as their sources build it; no code of theirs.

`BODIES` is {app: (body, headers besides the key's, what is read from it)}. Left out is what every
one of them has: the model's name.
"""

QUESTION = "How many trams were in the Grey Gull depot?"
PICTURE_FREE = [{"type": "text", "text": QUESTION}]


def _turns(*contents):
    """Messages of the user and the twin in turn."""
    roles = ("user", "assistant")
    return [{"role": roles[n % 2], "content": text} for n, text in enumerate(contents)]


_ORDER = "[Pause your roleplay. Summarize the most important facts of the chat so far.]"
BODIES = {
    # server/utils/AiProviders/genericOpenAi: its own context stands in the system message.
    "AnythingLLM": (
        {
            "messages": [
                {
                    "role": "system",
                    "content": "Given the following conversation, reply.\nContext:\n"
                    "[CONTEXT 0]:\nA bicycle has two wheels.\n[END CONTEXT 0]\n\n",
                },
                *_turns("Hi?", "Hello.", QUESTION),
            ],
            "stream": True,
            "temperature": 0.7,
            "max_tokens": 1024,
        },
        {"User-Agent": "AnythingLLM/1.9"},
        {"tokens": 1024, "memory": True},
    ),
    # Its agents pass on the setting as it stands in the environment: a text.
    "AnythingLLM, an agent": (
        {"messages": _turns(QUESTION), "temperature": 0, "max_tokens": "1024"},
        {},
        {"tokens": 1024, "memory": True},
    ),
    # @ai-sdk/openai-compatible: no stream_options, parts only with more than one.
    "Chatbox": (
        {
            "messages": [
                {"role": "system", "content": "You are a helpful assistant."},
                *_turns(QUESTION),
            ],
            "temperature": 0.7,
            "top_p": 1,
            "stream": True,
        },
        {},
        {"memory": True, "include_usage": False},
    ),
    # The OpenAI client, or the AI SDK, of an Electron page; an answer that failed comes back empty.
    "Cherry Studio": (
        {
            "messages": _turns("Hi?", "", QUESTION),
            "temperature": 0.7,
            "top_p": 1,
            "stream": True,
            "stream_options": {"include_usage": True},
        },
        {
            "X-Title": "Cherry Studio",
            "HTTP-Referer": "https://cherry-ai.com",
            "Sec-Fetch-Site": "cross-site",
            "Sec-Fetch-Mode": "cors",
            "X-Stainless-Retry-Count": "0",
        },
        {"memory": True, "include_usage": True},
    ),
    # model-runtime's openaiCompatibleFactory
    "LobeChat": (
        {
            "messages": [{"role": "user", "content": PICTURE_FREE}],
            "frequency_penalty": 0,
            "presence_penalty": 0,
            "temperature": 1,
            "top_p": 1,
            "stream": True,
            "stream_options": {"include_usage": True},
            "user": "DEFAULT_LOBE_CHAT_USER",
        },
        {"Accept": "*/*", "X-Stainless-Lang": "js"},
        {"memory": True, "include_usage": True},
    ),
    "LobeChat, an object": (
        {
            "messages": _turns("Give the chat a title."),
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": "title",
                    "schema": {
                        "type": "object",
                        "properties": {"title": {"enum": ["Trams", "Tea"]}},
                        "required": ["title"],
                        "additionalProperties": False,
                    },
                },
            },
        },
        {},
        {"memory": False},
    ),
    # src/endpoints/backends/chat-completions: the greeting first, an order of its own last.
    "SillyTavern": (
        {
            "messages": [
                {"role": "system", "content": "Write {{char}}'s next reply."},
                {"role": "system", "content": "[Start a new Chat]"},
                {"role": "assistant", "content": "Welcome to my shed."},
                {"role": "user", "content": QUESTION, "name": "User"},
                {"role": "system", "content": "Stay in character."},
            ],
            "temperature": 1,
            "max_tokens": 300,
            "stream": True,
            "presence_penalty": 0,
            "frequency_penalty": 0,
            "top_p": 1,
            "stop": ["\nUser:"],
            "logit_bias": {},
            "logprobs": 0,
        },
        {},
        {"memory": True, "tokens": 300, "stop": ["\nUser:"]},
    ),
    "SillyTavern, a summary": (
        {
            "messages": [
                {"role": "system", "content": "[Start a new Chat]"},
                *_turns(QUESTION, "Forty-one."),
                {"role": "system", "content": _ORDER},
            ],
            "max_tokens": 300,
            "stream": False,
        },
        {},
        {"memory": False, "system": "[Start a new Chat]"},
    ),
    # backend/open_webui/utils/middleware
    "Open WebUI": (
        {
            "messages": _turns(QUESTION),
            "stream": True,
            "stream_options": {"include_usage": True},
        },
        {"X-OpenWebUI-User-Name": "Ning"},
        {"memory": True, "include_usage": True},
    ),
    "Open WebUI, a title": (
        {
            "messages": _turns("### Task:\nGenerate a concise title.\n### Chat History:\nUSER: a"),
            "stream": False,
            "max_completion_tokens": 1000,
        },
        {},
        {"memory": False, "tokens": 1000},
    ),
}
