"""What slx calls, by service as boto3 spells it: all that is kept of botocore's models (models.py).

Not the services that botocore itself calls for credentials, STS among them: it calls more of them than slx does.
"""

from __future__ import annotations

from types import MappingProxyType

_NAMES = {
    "apigatewayv2": """
        CreateApi CreateIntegration CreateRoute CreateStage DeleteApi DeleteCorsConfiguration DeleteIntegration
        DeleteRoute DeleteStage GetApi GetApis GetIntegrations GetRoutes GetStages TagResource UpdateApi UpdateRoute
        UpdateStage
    """,
    "dynamodb": """
        CreateTable DeleteItem DeleteTable DescribeContinuousBackups DescribeTable DescribeTimeToLive GetItem
        ListTables ListTagsOfResource PutItem Scan TagResource UpdateContinuousBackups UpdateTable UpdateTimeToLive
    """,
    "events": """
        CreateEventBus DeleteEventBus DeleteRule DescribeEventBus DescribeRule ListEventBuses ListRules
        ListTagsForResource ListTargetsByRule PutEvents PutRule PutTargets RemoveTargets TagResource
    """,
    "firehose": """
        CreateDeliveryStream DeleteDeliveryStream DescribeDeliveryStream ListDeliveryStreams ListTagsForDeliveryStream
        PutRecord PutRecordBatch TagDeliveryStream UpdateDestination
    """,
    "iam": """
        AttachRolePolicy CreateRole DeletePolicy DeleteRole DeleteRolePolicy DetachRolePolicy GetRole GetRolePolicy
        ListAttachedRolePolicies ListInstanceProfilesForRole ListRolePolicies ListRoles PutRolePolicy
        TagRole UpdateAssumeRolePolicy
    """,
    "kinesis": """
        AddTagsToStream CreateStream DecreaseStreamRetentionPeriod DeleteStream DescribeStreamSummary GetRecords
        GetShardIterator IncreaseStreamRetentionPeriod ListStreams ListTagsForStream PutRecord PutRecords
        StartStreamEncryption StopStreamEncryption UpdateShardCount UpdateStreamMode
    """,
    "kms": "DescribeKey",
    "lambda": """
        AddPermission CreateEventSourceMapping CreateFunction DeleteEventSourceMapping DeleteFunction
        DeleteFunctionConcurrency DeleteFunctionEventInvokeConfig DeleteLayerVersion GetEventSourceMapping GetFunction
        GetFunctionConfiguration GetFunctionEventInvokeConfig GetPolicy Invoke InvokeWithResponseStream
        ListEventSourceMappings ListFunctions ListLayerVersions ListLayers ListTags PublishLayerVersion
        PutFunctionConcurrency PutFunctionEventInvokeConfig RemovePermission TagResource UpdateEventSourceMapping
        UpdateFunctionCode UpdateFunctionConfiguration
    """,
    "logs": """
        CreateLogGroup CreateLogStream DeleteLogGroup DeleteRetentionPolicy DescribeLogGroups DescribeLogStreams
        FilterLogEvents ListTagsForResource PutRetentionPolicy TagResource
    """,
    "pipes": "CreatePipe DeletePipe DescribePipe ListPipes ListTagsForResource TagResource UpdatePipe",
    "s3": """
        AbortMultipartUpload CompleteMultipartUpload CreateBucket CreateMultipartUpload DeleteBucket
        DeleteBucketWebsite DeleteObject DeleteObjects GetBucketAcl GetBucketEncryption
        GetBucketLifecycleConfiguration GetBucketNotificationConfiguration GetBucketOwnershipControls
        GetBucketPolicy GetBucketTagging GetBucketVersioning GetBucketWebsite GetObject GetObjectTagging
        GetPublicAccessBlock HeadBucket HeadObject ListBuckets ListMultipartUploads ListObjectVersions
        ListObjectsV2 PutBucketAcl PutBucketEncryption PutBucketLifecycleConfiguration
        PutBucketNotificationConfiguration PutBucketOwnershipControls PutBucketPolicy PutBucketTagging
        PutBucketVersioning PutBucketWebsite PutObject PutPublicAccessBlock UploadPart
    """,
    "s3control": "GetPublicAccessBlock",
    "sns": """
        CreateTopic DeleteTopic GetSubscriptionAttributes GetTopicAttributes ListSubscriptionsByTopic
        ListTagsForResource ListTopics Publish SetSubscriptionAttributes SetTopicAttributes Subscribe TagResource
        Unsubscribe
    """,
    "sqs": """
        CreateQueue DeleteMessage DeleteQueue GetQueueAttributes GetQueueUrl ListQueueTags ListQueues ReceiveMessage
        SendMessage SetQueueAttributes TagQueue
    """,
    "stepfunctions": """
        CreateStateMachine DeleteStateMachine DescribeExecution DescribeStateMachine ListExecutions ListStateMachines
        ListTagsForResource StartExecution StartSyncExecution StopExecution TagResource UpdateStateMachine
        ValidateStateMachineDefinition
    """,
}

OPERATIONS = MappingProxyType({service: frozenset(names.split()) for service, names in _NAMES.items()})
