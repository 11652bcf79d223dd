"""Everyday requests in both languages. An instruct base's own answers to them are replayed against forgetting."""

EVERYDAY = """
What should I cook tonight with eggs and tomatoes?
Explain photosynthesis to a ten-year-old.
Write a short e-mail asking to move a meeting to Thursday.
What is the difference between weather and climate?
Give me three tips for falling asleep faster.
How do I remove a coffee stain from a white shirt?
Summarise the water cycle in two sentences.
Convert 5 miles to kilometres.
What does the word 'ambiguous' mean? Use it in a sentence.
List five European capitals.
How many minutes are there in a week?
Suggest a name for a small bakery.
Write a haiku about winter.
What are the primary colours?
How do I politely decline an invitation?
Sort these numbers from small to large: 14, 3, 27, 9.
Why is the sky blue?
Translate 'Where is the station?' into Chinese.
What should I pack for a two-day hike?
Write a Python function that reverses a string.
Which planet is closest to the sun?
Correct this sentence: She don't like apples.
Give me a simple morning exercise routine.
What is the boiling point of water at sea level?
Tell me a fun fact about octopuses.
How do vaccines work, in short?
What is 15 percent of 80?
Write a thank-you note to a neighbour.
What is the capital of Australia?
Name three uses for baking soda.
How do I start saving money?
Describe the taste of a lemon.
What is the opposite of 'generous'?
Explain what a budget is.
Write one sentence about autumn.
How long does it take to boil an egg?
用西红柿和鸡蛋能做什么菜？
给十岁的孩子解释一下光合作用。
写一封短信，请同事把会议改到周四。
天气和气候有什么不同？
给我三条早点睡着的建议。
白衬衫上的咖啡渍怎么去掉？
用两句话说说水循环。
5 公里是多少米？
“模棱两可”是什么意思？造个句子。
列出五个中国的省会。
一周有多少分钟？
给一家小面包店起个名字。
写一首关于冬天的短诗。
三原色是哪三种？
怎么礼貌地拒绝邀请？
把这些数从小到大排列：14、3、27、9。
天空为什么是蓝色的？
把“车站在哪里？”翻译成英文。
两天的徒步要带什么？
写一个把字符串倒过来的 Python 函数。
离太阳最近的行星是哪一颗？
改正病句：通过这次活动，使我明白了道理。
给我一套简单的早操。
水在海平面上多少度沸腾？
讲一个关于章鱼的有趣知识。
简单说说疫苗是怎么起作用的。
80 的百分之十五是多少？
给邻居写一张感谢便条。
澳大利亚的首都是哪里？
小苏打有哪三种用途？
怎么开始存钱？
描述一下柠檬的味道。
“慷慨”的反义词是什么？
解释一下什么是预算。
写一句关于秋天的话。
煮鸡蛋要多久？
""".strip().splitlines()
