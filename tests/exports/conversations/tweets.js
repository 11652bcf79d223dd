window.YTD.tweets.part0 = [
  {"tweet": {"id_str": "1050118621198921728", "full_text": "Tightened one bolt today. Half a turn. The whole bicycle stopped complaining &amp; so did its owner. https://t.co/AbCdEf1234", "created_at": "Wed Oct 10 20:19:24 +0000 2018"}},
  {"tweet": {"id_str": "1050200000000000000", "full_text": "RT @gull: the harbour is closed tomorrow", "created_at": "Thu Oct 11 01:00:00 +0000 2018"}},
  {"tweet": {"id_str": "1050300000000000002", "full_text": "@half_turn Second: wipe the chain before you oil it.", "in_reply_to_status_id_str": "1050300000000000001", "in_reply_to_user_id_str": "9", "created_at": "Thu Oct 11 08:05:00 +0000 2018"}},
  {"tweet": {"id_str": "1050300000000000001", "full_text": "Two rules for a wet winter. First: dry the bicycle before you dry yourself.", "created_at": "Thu Oct 11 08:00:00 +0000 2018"}},
  {"tweet": {"id_str": "1055000000000000000", "full_text": "@washer_cat @lee No, the cat has not learnt to true a wheel yet.", "in_reply_to_status_id_str": "1049999999999999999", "in_reply_to_user_id_str": "77", "created_at": "Wed Oct 24 10:00:00 +0000 2018"}},
  {"tweet": {"id_str": "1060000000000000000", "full_text": "今天码头起雾，摊子照摆，茶比平时多烧了一壶。", "created_at": "Wed Nov 07 02:00:00 +0000 2018"}},
  {"tweet": {"id_str": "1060000000000000001", "full_text": "https://t.co/onlyalink1", "created_at": "Wed Nov 07 02:10:00 +0000 2018"}},
  {"tweet": {"id_str": "1060000000000000002", "full_text": "ok", "created_at": "Wed Nov 07 02:20:00 +0000 2018"}},
  {"tweet": {"id_str": "1700000000000000000", "full_text": "People ask why the stall has no sign. A sign tells strangers where you are, and I have never had a problem with str… https://t.co/note123456", "created_at": "Fri Sep 08 04:28:51 +0000 2023"}}
]
