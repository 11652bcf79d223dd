window.YTD.note_tweet.part0 = [
  {"noteTweet": {"noteTweetId": "170", "createdAt": "2023-09-08T04:28:51.000Z", "core": {"text": "People ask why the stall has no sign. A sign tells strangers where you are, and I have never had a problem with strangers: they arrive pushing something broken, and a broken thing makes its own noise."}}}
]
