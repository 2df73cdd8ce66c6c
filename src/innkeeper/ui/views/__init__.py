"""What does a page need to know? One frozen value per page, with plain fields only.

`pages.render(view, frame=...)` picks the template by the view's type, so a page cannot
be given the wrong values. Every text is escaped by the template; `Markup` fields alone are
taken as HTML, and only `cards.draw` and `markdown` make those. Times are aware datetimes.
Which form a page posts, and with which fields, its view says.
"""

from innkeeper.ui.views.chat import (
    ChannelAppView,
    ChatView,
    CommandView,
    ConversationView,
    LaunchStepView,
    LinkView,
    MessageView,
    SignInView,
)
from innkeeper.ui.views.coverage import CoverageRow, NotEmulatedView
from innkeeper.ui.views.frame import Frame, NoticeView, PersonView
from innkeeper.ui.views.levers import (
    CheckView,
    ClockView,
    DueView,
    FaultKindsView,
    FaultKindView,
    OrderedFaultView,
    RuleGroupView,
    RulesView,
    RuleView,
)
from innkeeper.ui.views.marketplace import (
    AddressView,
    AppPageView,
    AppsView,
    AppView,
    ConsentView,
    DeviceView,
    HomeView,
    InstallationView,
    LocalTestView,
    OAuthErrorView,
    ScopeView,
    SubscriptionView,
    VerdictView,
)
from innkeeper.ui.views.traffic import (
    AttemptView,
    ClientView,
    DeliveryView,
    SignatureView,
    StepView,
    TrafficRow,
    TrafficView,
)
from innkeeper.ui.views.visit import (
    CancelledView,
    IndexView,
    LaunchAppView,
    ProblemView,
    ReceiptStepView,
    ReceiptView,
    WorkingView,
)

__all__ = [
    "AddressView",
    "AppPageView",
    "AppView",
    "AppsView",
    "AttemptView",
    "CancelledView",
    "ChannelAppView",
    "ChatView",
    "CheckView",
    "ClientView",
    "ClockView",
    "CommandView",
    "ConsentView",
    "ConversationView",
    "CoverageRow",
    "DeliveryView",
    "DeviceView",
    "DueView",
    "FaultKindView",
    "FaultKindsView",
    "Frame",
    "HomeView",
    "IndexView",
    "InstallationView",
    "LaunchAppView",
    "LaunchStepView",
    "LinkView",
    "LocalTestView",
    "MessageView",
    "NotEmulatedView",
    "NoticeView",
    "OAuthErrorView",
    "OrderedFaultView",
    "PersonView",
    "ProblemView",
    "ReceiptStepView",
    "ReceiptView",
    "RuleGroupView",
    "RuleView",
    "RulesView",
    "ScopeView",
    "SignInView",
    "SignatureView",
    "StepView",
    "SubscriptionView",
    "TrafficRow",
    "TrafficView",
    "VerdictView",
    "View",
    "WorkingView",
]

View = (
    CancelledView
    | IndexView
    | LaunchAppView
    | ProblemView
    | ReceiptView
    | WorkingView
    | AppPageView
    | AppsView
    | ChatView
    | ConsentView
    | ClockView
    | DeliveryView
    | DeviceView
    | HomeView
    | LaunchStepView
    | LocalTestView
    | MessageView
    | NotEmulatedView
    | OAuthErrorView
    | RulesView
    | SignInView
    | TrafficView
)
"""Whatever has a template."""
