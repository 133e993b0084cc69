"""How each wallet's built-in browser introduces itself.

The markers are those that public code of aggregate payment platforms tests for: `MicroMessenger/` for WeChat (WeChat
Pay partner docs 4013334850), `application=JDJR-App` with `CpayJS=UnionPay/1.0 JDJR` and `jdPaySDK` for the JD Finance
app. The Android build carries QQ-browser tokens in both, as the real apps do.
"""

_ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; Redmi 9A Build/QP1A.190711.020; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36"
)
_JD_FINANCE = "&".join(
    (
        "application=JDJR-App",
        "clientType=android",
        "src=xiaomi",
        "version=6.9.60",
        "clientVersion=6.9.60",
        "osVersion=10",
        "osName=Redmi 9A",
        "isUpdate=0",
        "HiClVersion=",
        "netWork=1",
        "netWorkType=1",
        "CpayJS=UnionPay/1.0 JDJR",
        "sPoint=",
        "*#@jdPaySDK*#@jdPayChannel=jdFinance",
        "jdPayChannelVersion=6.9.60",
        "jdPaySdkVersion=4.01.23",
        "jdPayClientName=Android*#@jdPaySDK*#@",
    )
)

USER_AGENTS = {
    "wechat": f"{_ANDROID} XWEB/1160117 MMWEBSDK/20240404 MMWEBID/2309 MicroMessenger/8.0.49.2600(0x28003156) "
    "WeChat/arm64 Weixin NetType/4G Language/zh_CN ABI/arm64",
    "jdpay": f"{_ANDROID} MQQBrowser/6.2 TBS/046247/{_JD_FINANCE}",
}
